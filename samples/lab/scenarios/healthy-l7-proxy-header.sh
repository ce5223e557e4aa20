title="Proxy with PROXY headers on both sides, healthy"
verdict="healthy"
readme="haproxy sends a PROXY header and the servers expect it."
look='rs1|tcp.len>0|2|the PROXY header before the request, and the answer.'

scenario() {
    world_proxy
    haproxy_pool send-proxy | haproxy_on director proxy
    serve rs1 rs2 -- --proxy
    capture client director rs1 rs2
    ask client
}
