title="Transparent proxy, answers past the proxy"
faults="tproxy-return-bypass" culprit="rs1 rs2"
symptoms="http-5xx" may="rst-no-socket asymmetric-return-path syn-unanswered"
readme="haproxy connects to the servers with the client's address, but their gateway is
the router: the SYN-ACK goes to the client, which never asked for it and resets."
look="rs1|tcp.flags.syn==1 && tcp.flags.ack==0|1|a SYN of the proxy's with the client's address,
rs1|tcp.flags.syn==1 && tcp.flags.ack==1|1|its SYN-ACK to the router instead of the proxy.
client|ip.src==172.16.0.11 && tcp.flags.syn==1|1|it reaches the client, which never asked,
client|ip.dst==172.16.0.11 && tcp.flags.reset==1|1|and resets it.
client|http.response.code==503|1|what the client gets in the end."

scenario() {
    world_proxy
    transparent director
    haproxy_pool source 0.0.0.0 usesrc clientip | haproxy_on director proxy
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --timeout 12
}
