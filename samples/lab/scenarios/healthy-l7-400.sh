title="Proxy, an application that answers 400, healthy"
verdict="healthy"
readme="Both servers answer 400 of their own accord. Nobody speaks the PROXY protocol, and
nothing is wrong between proxy and servers."
look='rs1|tcp.len>0|2|a request, and 400.'

scenario() {
    world_proxy
    haproxy_pool | haproxy_on director proxy
    serve rs1 rs2 -- --status "400 Bad Request"
    capture client director rs1 rs2
    ask client
}
