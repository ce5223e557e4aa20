title="Proxy, a PROXY header to servers that expect none"
faults="proxy-protocol-mismatch" culprit="director rs1 rs2"
may="connection-reset"
readme="haproxy sends a PROXY header (send-proxy); the servers take it for a broken
request and answer 400."
look='rs1|tcp.len>0|2|the PROXY header before the request, and 400.
client|http.response.code==400|2|what clients get.'

scenario() {
    world_proxy
    haproxy_pool send-proxy | haproxy_on director proxy
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
