title="NAT, the director asks its own VIP, healthy"
verdict="healthy"
readme="A client on the director calls the VIP. The real servers' answers come back to the
director in any case, which is their gateway. On the wire these connections begin as
those of the director with a real server: what was asked for is not to be seen."
look='rs1|tcp.flags.syn==1 && ip.src==203.0.113.0/24|1|a SYN from the director.'

scenario() {
    world_nat
    service director
    serve rs1 rs2
    capture client director:any rs1 rs2
    ask client -n 4
    ask director -n 3
}
