title="A balancer without memory sends a repeated SYN to another real server"
faults="syn-retry-rescheduled" culprit="director"
symptoms="" may="rst-no-socket connection-reset retransmission syn-unanswered"
readme="The director sends each SYN to the next real server (nftables, no state). rs1's
answer takes 1.5 s: by then the client has repeated its SYN, which went to rs2, and
has rs2's answer. rs1's SYN-ACK, with another sequence number, comes on top."
look='rs1|tcp.flags.syn==1 && tcp.flags.ack==0|1|the SYN at rs1,
rs2|tcp.flags.syn==1 && tcp.flags.ack==0|1|the same one again at rs2.
client|tcp.flags.syn==1 && tcp.flags.ack==1|2|two answers with different sequence numbers.'

scenario() {
    local own one two
    world_dr
    own=$(mac_of director eth0) one=$(mac_of rs1 eth0) two=$(mac_of rs2 eth0)
    on director nft -f - <<RULES
table netdev lab {
    chain in {
        type filter hook ingress device "eth0" priority 0;
        ip daddr $vip tcp flags & (syn | ack) == syn ether saddr set $own ether daddr set numgen inc mod 2 map { 0 : $one, 1 : $two } fwd to "eth0"
        ip daddr $vip tcp dport $port ether saddr set $own ether daddr set $two fwd to "eth0"
    }
}
RULES
    on rs1 tc qdisc add dev eth0 root netem delay 1500ms
    serve rs1 rs2
    capture client director rs1 rs2
    local n
    for n in 1 2 3; do ask client -n 1; done
    sleep 1
}
