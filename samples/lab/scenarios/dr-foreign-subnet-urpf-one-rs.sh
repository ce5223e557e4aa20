title="DR, the VIP in another subnet, answers of one real server dropped by its router"
faults="dr-vip-foreign-subnet-return" allowed="fabric-anti-spoof stateful-device-half-path"
culprit="router2 rs2" symptoms="syn-unanswered" may="retransmission"
readme="rs2 answers by router2, whose strict reverse path check drops what comes from the
VIP: its own route to the VIP leads elsewhere. rs1 answers by router."
look="rs2|tcp.flags.syn==1 && tcp.flags.ack==1|3|rs2's SYN-ACK leaves for router2 again and again.
router2|tcp.flags.syn==1 && tcp.flags.ack==1|2|it comes in and does not go out."

scenario() {
    world_dr_routed
    host router2
    router router2
    nic router2 eth0 back "${back}254/$len"
    nic router2 eth1 front "${front}254/$len"
    ipr router2 route add "$vip/32" via "${front}1"
    at router2 net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
    via rs2 "${back}254"
    service director
    serve rs1 rs2
    capture client router2 director rs1 rs2
    ask client -n 4
}
