title="Proxy, one server answers 500"
verdict="degraded failing" symptoms="http-5xx"
readme="rs2 answers each request with 500 and haproxy passes that on."
look="rs2|http.response.code==500|2|rs2's answers.
client|http.response.code==500|2|they reach the client."

scenario() {
    world_proxy
    haproxy_pool | haproxy_on director proxy
    serve rs1
    serve rs2 -- --status "500 Internal Server Error"
    capture client director rs1 rs2
    ask client
}
