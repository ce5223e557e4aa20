title="nginx, healthy"
verdict="healthy"
readme="nginx takes connections and makes its own to the servers."
look='director|http.request|2|a request in, and on to a server.'

scenario() {
    world_proxy
    nginx_pool | nginx_on director proxy
    wait_for 20 listening director "$port"
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
