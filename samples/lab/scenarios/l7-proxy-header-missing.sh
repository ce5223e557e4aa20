title="Proxy, no PROXY header to servers that expect one"
faults="proxy-protocol-mismatch" culprit="rs1 rs2 director"
symptoms="http-5xx" may="connection-reset rst-no-socket"
readme="The servers want a PROXY header and close what comes without. haproxy sends none,
so each request dies and the client gets 502."
look='rs1|tcp.len>0|1|a request without a PROXY header,
rs1|tcp.flags.fin==1 || tcp.flags.reset==1|1|and the end without a byte of answer.
client|http.response.code==502|2|what clients get.'

scenario() {
    world_proxy
    haproxy_pool | haproxy_on director proxy
    serve rs1 rs2 -- --proxy
    capture client director rs1 rs2
    ask client
}
