title="DR over IPv6, a real server answers for the VIP"
faults="duplicate-na-for-vip|dr-arp-problem" allowed="director-bypassed"
culprit="rs2" symptoms="vip-arp-conflict" may="rst-no-socket connection-reset"
readme="rs2 has the VIP on eth0 instead of lo: each neighbour solicitation for it is
answered twice."
look="rs1|icmpv6.type==135 && icmpv6.nd.ns.target_address==2001:db8:16::8|1|the router's question for the VIP.
rs2|icmpv6.type==136 && icmpv6.nd.na.target_address==2001:db8:16::8|1|rs2's answer.
director|icmpv6.type==136 && icmpv6.nd.na.target_address==2001:db8:16::8|1|director's."

scenario() {
    family=6
    world_dr
    ipr rs2 addr del "$vip/128" dev lo
    add rs2 eth0 "$vip/128"
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    local n
    for n in 1 2 3; do
        ask client -n 2
        ipr router neigh flush dev eth1
    done
}
