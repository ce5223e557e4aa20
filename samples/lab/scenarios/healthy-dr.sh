title="Direct routing, healthy"
verdict="healthy"

scenario() {
    world_dr
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
