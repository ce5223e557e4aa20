title="DR beside a host with proxy_arp for others, healthy"
verdict="healthy"
readme="vpn has proxy_arp and a route to 172.16.0.128/25 on its other side: it answers for
those addresses, as it should, and not for the VIP."
look='router|arp.opcode==2 && arp.src.proto_ipv4==172.16.0.130|1|vpn answers for an address behind it.'

scenario() {
    world_dr
    lan inside
    host vpn
    router vpn
    nic vpn eth0 back "${back}250/$len"
    nic vpn eth1 inside 172.16.0.129/25
    host behind
    nic behind eth0 inside 172.16.0.130/25
    via behind 172.16.0.129
    at vpn net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay=0
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    on router busybox ping -q -c 1 172.16.0.130
    on router busybox ping -q -c 1 172.16.0.131 || true
    ask client
}
