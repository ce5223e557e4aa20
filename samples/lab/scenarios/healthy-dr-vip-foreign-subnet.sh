title="DR, the VIP in a subnet of its own, healthy"
verdict="healthy"
readme="The router sends the VIP to the director, which has one arm in each LAN. The real
servers answer by the router, which does not mind where the VIP comes from."

scenario() {
    world_dr_routed
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
