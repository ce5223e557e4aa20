title="DR over IPv6, healthy"
verdict="healthy"
readme="As healthy-dr, over IPv6."
look='director|tcp.flags.syn==1|2|a SYN in from the router and out to a real server, hop limit one less.'

scenario() {
    family=6
    world_dr
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client
}
