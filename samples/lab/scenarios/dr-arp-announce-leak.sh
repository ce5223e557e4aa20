title="DR, real servers ask for the router in the VIP's name"
faults="dr-arp-announce-leak" allowed="director-bypassed"
culprit="rs1 rs2" may="vip-arp-conflict"
readme="The VIP is on each real server's lo, arp_ignore is 1, but arp_announce is 0: the
first answer of a real server needs the router's MAC, and the question for it
carries the VIP as its sender. The router takes that for the VIP's MAC, and
sends what follows straight to the real server."
look='rs2|arp.opcode==1 && eth.src=={rs2} && arp.src.proto_ipv4==172.16.0.8|1|rs2 asks for the router as the VIP.
rs2|tcp.dstport==80 && eth.src=={director}|1|the SYN came from the director,
rs2|tcp.dstport==80 && eth.src=={router.eth1}|1|the ACK of the same connection straight from the router.'

scenario() {
    world_dr
    local n
    for n in 1 2; do at rs$n net.ipv4.conf.all.arp_announce=0; done
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client -n 8 --gap 0.4
}
