title="Proxy, no PROXY header to servers that expect one"
faults="proxy-protocol-mismatch" culprit="rs1 rs2 director"
symptoms="http-5xx" may="connection-reset rst-no-socket"
readme="The servers want a PROXY header and close what comes without. haproxy sends none,
so each request dies and the client gets 502."

scenario() {
    world_proxy
    haproxy_pool | haproxy_on director proxy
    serve rs1 rs2 -- --proxy
    capture client director rs1 rs2
    ask client
}
