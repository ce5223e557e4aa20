title="DR over IPv6, the director's VIP fails duplicate address detection"
faults="ipv6-dad-failed" allowed="connection-refused duplicate-na-for-vip"
culprit="director director2" symptoms="syn-refused" may="vip-arp-conflict"
readme="director2, which has no service, still holds the VIP when director adds it: it
answers director's question, director's VIP is dadfailed and never used, and
clients are refused by director2."
look='director|icmpv6.type==135 && ipv6.src==::|1|the director asks whether the VIP is taken,
director2|icmpv6.type==136 && icmpv6.nd.na.target_address==2001:db8:16::8|1|director2 says so.
client|tcp.flags.reset==1|2|clients are refused.'

scenario() {
    family=6
    world_dr
    ipr director addr del "$vip/128" dev eth0
    host director2
    nic director2 eth0 back "${back}3/$len" "$vip/128"
    via director2 "${back}1"
    service director
    serve rs1 rs2
    capture client router director director2 rs1 rs2
    ipr director addr add "$vip/128" dev eth0 preferred_lft 0
    sleep 3
    ipr director addr show dev eth0
    ask client -n 3
    ipr router neigh flush dev eth1
    ask client -n 3
}
