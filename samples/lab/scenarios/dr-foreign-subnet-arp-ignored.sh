title="DR, the VIP in another subnet, its name in ARP questions that the router ignores"
faults="dr-vip-foreign-subnet-return" allowed="dr-arp-announce-leak"
culprit="router rs1 rs2" symptoms="syn-unanswered" may="arp-unanswered"
readme="The VIP is in no subnet of the real servers, and arp_announce is 0: they ask for
the router in the VIP's name. The router's reverse path check does not believe
the sender, so it does not answer, and no answer leaves."
look='rs1|arp.src.proto_ipv4==10.99.1.8 && eth.src=={rs1}|3|rs1 asks for the router as the VIP and gets no answer.
router|arp.src.proto_ipv4==10.99.1.8|2|the questions reach the router.
rs1|tcp.flags.syn==1|2|SYNs arrive; nothing leaves.'

scenario() {
    world_dr_routed
    at router net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth2.rp_filter=1
    local n
    for n in 1 2; do at rs$n net.ipv4.conf.all.arp_announce=0; done
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client -n 4
}
