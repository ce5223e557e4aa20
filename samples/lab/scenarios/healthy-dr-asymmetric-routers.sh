title="DR, answers by another router, healthy"
verdict="healthy"
readme="SYNs go to the director by router, answers leave by router2, and neither router
has a firewall. Direct routing allows that."
look="client|tcp.flags.syn==1|2|a SYN to router's MAC, its SYN-ACK from router2's.
rs2|tcp.len>0|2|the request from the director, the answer to router2."

scenario() {
    routers_apart
    capture client router director rs1 rs2
    ask client
}
