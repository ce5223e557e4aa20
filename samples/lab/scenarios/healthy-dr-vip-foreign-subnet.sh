title="DR, the VIP in a subnet of its own, healthy"
verdict="healthy"
readme="The router sends the VIP to the director, which has one arm in each LAN. The real
servers answer by the router, which does not mind where the VIP comes from."
look='director|tcp.flags.syn==1|2|a SYN in from the router and out to a real server.
rs2|tcp.flags.syn==1 && tcp.flags.ack==1|1|the SYN-ACK, from the VIP, to the router.'

scenario() {
    world_dr_routed
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
