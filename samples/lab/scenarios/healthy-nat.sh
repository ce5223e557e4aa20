title="NAT, healthy"
verdict="healthy"

scenario() {
    world_nat
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
