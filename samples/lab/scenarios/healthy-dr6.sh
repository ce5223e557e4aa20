title="DR over IPv6, healthy"
verdict="healthy"
readme="As healthy-dr, over IPv6."

scenario() {
    family=6
    world_dr
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client
}
