title="nginx, both servers answer 500"
verdict="degraded failing" symptoms="http-5xx"
readme="Both servers answer each request with 500 and nginx passes that on."
look='client|http.response.code==500|2|they reach the client.'

scenario() {
    world_proxy
    nginx_pool | nginx_on director proxy
    wait_for 20 listening director "$port"
    serve rs1 rs2 -- --status "500 Internal Server Error"
    capture client director rs1 rs2
    ask client
}
