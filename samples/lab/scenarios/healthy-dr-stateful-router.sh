title="DR behind a stateful firewall that sees both directions, healthy"
verdict="healthy"
readme="The router drops what conntrack calls INVALID. Requests and answers pass it both,
so nothing is."
look='client|tcp.flags.syn==1|2|a SYN to the router and its SYN-ACK from there.'

scenario() {
    world_dr
    on router iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client
}
