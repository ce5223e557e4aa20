title="Tunnel over IPv6, healthy"
verdict="healthy"
readme="The director sends each packet on inside of another IPv6 packet."
look='director|tcp.flags.syn==1|2|a SYN in, and out inside of another packet.'

scenario() {
    family=6
    world_tun
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client
}
