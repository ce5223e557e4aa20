title="DR, the fabric drops answers whose source is the VIP"
faults="fabric-anti-spoof" allowed="dr-vip-foreign-subnet-return stateful-device-half-path"
culprit="rs1 rs2" symptoms="syn-unanswered" may="retransmission"
readme="The switch lets the real servers' own addresses through and nothing else, as a
cloud does without allowed address pairs: SYN-ACKs leave the real servers and are
never seen again. ARP and what has their own address passes."
look="rs1|tcp.flags.syn==1 && tcp.flags.ack==1|2|SYN-ACKs leave.
router|icmp|1|what has rs1's own address arrives at the router."

scenario() {
    world_dr
    local n
    for n in 1 2; do
        on switch tc qdisc add dev rs$n-eth0 clsact
        on switch tc filter add dev rs$n-eth0 ingress protocol ip flower src_ip "$vip" action drop
    done
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    on rs1 busybox ping -q -c 2 "${back}1" &
    ask client -n 4
    wait $!
}
