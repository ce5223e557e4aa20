title="Proxy, a binary PROXY header to one server that expects none"
faults="proxy-protocol-mismatch" culprit="rs2 director"
may="connection-reset http-5xx"
readme="rs1 and rs2 get PROXY v2 headers from haproxy in TCP mode. rs1 is haproxy itself
with accept-proxy, rs2 takes the header for a broken request."
look='rs2|tcp.len>0|2|the header of PROXY v2 before the request, and 400.
rs1|tcp.len>0|2|rs1 takes the same header for what it is.'

scenario() {
    world_proxy
    haproxy_pool send-proxy-v2 | sed '1a mode tcp' | haproxy_on director proxy
    haproxy_on rs1 server << CONF
frontend f
 bind :$rport accept-proxy
 http-request return status 200 hdr X-Server rs1 content-type text/plain string rs1
CONF
    wait_for 20 listening rs1
    serve rs2
    capture client director rs1 rs2
    ask client
}
