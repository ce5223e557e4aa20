title="NAT over IPv6, healthy"
verdict="healthy"
readme="As healthy-nat, over IPv6."
look='director|tcp.flags.syn==1|4|SYN and SYN-ACK on both sides.'

scenario() {
    family=6
    world_nat
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client
}
