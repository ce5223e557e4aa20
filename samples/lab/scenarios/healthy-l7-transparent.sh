title="Transparent proxy, healthy"
verdict="healthy"
readme="haproxy connects to the servers with the client's address, and it is their
gateway, so that the answers come back to it."
look="rs1|tcp.flags.syn==1|2|a SYN with the client's address from the proxy's MAC, the SYN-ACK back to it."

scenario() {
    world_proxy
    via rs1 "${back}2"
    via rs2 "${back}2"
    transparent director
    haproxy_pool source 0.0.0.0 usesrc clientip | haproxy_on director proxy
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
