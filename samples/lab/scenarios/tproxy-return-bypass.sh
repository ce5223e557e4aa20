title="Transparent proxy, answers past the proxy"
faults="tproxy-return-bypass" culprit="rs1 rs2"
symptoms="http-5xx" may="rst-no-socket asymmetric-return-path syn-unanswered"
readme="haproxy connects to the servers with the client's address, but their gateway is
the router: the SYN-ACK goes to the client, which never asked for it and resets."

scenario() {
    world_proxy
    transparent director
    haproxy_pool source 0.0.0.0 usesrc clientip | haproxy_on director proxy
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --timeout 12
}
