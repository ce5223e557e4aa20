title="NAT, healthy"
verdict="healthy"
look='director|tcp.flags.syn==1|4|SYN and SYN-ACK, each in and out.'

scenario() {
    world_nat
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
