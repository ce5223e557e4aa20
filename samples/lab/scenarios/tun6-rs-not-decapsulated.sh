title="Tunnel over IPv6, one real server has no end for it"
faults="tunnel-not-decapsulated" culprit="rs2"
may="syn-unanswered icmp-unreachable"
readme="rs2 has the VIP on lo and no tunnel: what comes in the tunnel is answered by ICMPv6
to the director."
look='rs2|icmpv6.type==1 || icmpv6.type==4|1|rs2 answers a packet in the tunnel by ICMPv6.
rs1|tcp.flags.syn==1|2|rs1 takes it out of the tunnel and answers.'

scenario() {
    family=6
    world_tun
    ipr rs2 link del tun6
    add rs2 lo "$vip/128"
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4
}
