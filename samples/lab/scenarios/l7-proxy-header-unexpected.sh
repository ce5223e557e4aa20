title="Proxy, a PROXY header to servers that expect none"
faults="proxy-protocol-mismatch" culprit="director rs1 rs2"
may="connection-reset"
readme="haproxy sends a PROXY header (send-proxy); the servers take it for a broken
request and answer 400."

scenario() {
    world_proxy
    haproxy_pool send-proxy | haproxy_on director proxy
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
