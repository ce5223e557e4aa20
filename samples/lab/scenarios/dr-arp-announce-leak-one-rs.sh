title="DR, one real server asks for the router in the VIP's name"
faults="dr-arp-announce-leak" allowed="director-bypassed"
culprit="rs2" may="vip-arp-conflict"
readme="As dr-arp-announce-leak, but only rs2 leaks, and the director announces the VIP
again after each two connections, so that both ways are seen."
look='rs2|arp.opcode==1 && eth.src=={rs2} && arp.src.proto_ipv4==172.16.0.8|3|rs2 asks for the router as the VIP.
rs2|tcp.dstport==80 && tcp.flags.syn==1 && eth.src=={router.eth1}|2|SYNs that the director never saw.'

scenario() {
    world_dr
    at rs2 net.ipv4.conf.all.arp_announce=0
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    local n
    for n in 1 2 3; do
        ask client -n 3
        sleep 1
        ipr rs2 neigh flush dev eth0
        on director arping -q -U -c 1 -I eth0 "$vip"
    done
}
