title="Direct routing, healthy"
verdict="healthy"
look='director|tcp.flags.syn==1|2|a SYN in from the router and out to a real server.'

scenario() {
    world_dr
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
