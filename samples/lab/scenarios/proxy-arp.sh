title="DR, a host with proxy_arp answers for the VIP"
faults="proxy-arp-or-arp-flux" culprit="vpn"
symptoms="vip-arp-conflict" may="syn-unanswered retransmission arp-unanswered"
readme="vpn has proxy_arp and a route to 172.16.0.0/28 on its other side: it answers for
the VIP, the director and rs1's neighbours alike."
look='rs1|arp.opcode==1 && arp.dst.proto_ipv4==172.16.0.8|1|who has the VIP,'

scenario() {
    world_dr
    lan inside
    host vpn
    router vpn
    nic vpn eth0 back "${back}250/$len"
    nic vpn eth1 inside 10.8.0.1/24
    ipr vpn route add 172.16.0.0/28 dev eth1
    at vpn net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay=0
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    local n
    for n in 1 2 3; do
        ask client -n 2
        ipr router neigh flush dev eth1
        sleep 1.2
    done
}
