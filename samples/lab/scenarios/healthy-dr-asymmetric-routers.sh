title="DR, answers by another router, healthy"
verdict="healthy"
readme="SYNs go to the director by router, answers leave by router2, and neither router
has a firewall. Direct routing allows that."
look="client|tcp.flags.syn==1|2|a SYN to router's MAC, its SYN-ACK from router2's.
rs2|tcp.len>0|2|the request from the director, the answer to router2."

scenario() {
    world_dr
    host router2
    router router2
    nic router2 eth0 front "${front}254/$len"
    nic router2 eth1 back "${back}254/$len"
    via rs1 "${back}254"
    via rs2 "${back}254"
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client
}
