title="DR, real servers ask for the router in the VIP's name"
faults="dr-arp-announce-leak" allowed="director-bypassed"
culprit="rs1 rs2" may="vip-arp-conflict"
readme="The VIP is on each real server's lo, arp_ignore is 1, but arp_announce is 0: the
first answer of a real server needs the router's MAC, and the question for it
carries the VIP as its sender. The router takes that for the VIP's MAC, and
sends what follows straight to the real server."

scenario() {
    world_dr
    local n
    for n in 1 2; do at rs$n net.ipv4.conf.all.arp_announce=0; done
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client -n 8 --gap 0.4
}
