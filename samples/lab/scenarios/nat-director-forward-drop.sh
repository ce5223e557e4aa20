title="NAT, a FORWARD policy of DROP on the director"
faults="nat-director-not-forwarding" culprit="director"
symptoms="syn-unanswered" may="retransmission"
readme="iptables -P FORWARD DROP on the director. Requests never pass FORWARD, answers
do: they reach the director and end there."
look='director|ip.src==172.16.0.0/24 && tcp.flags.syn==1|2|SYN-ACKs come in; none goes out.
rs1|tcp.flags.syn==1 && tcp.flags.ack==1|2|one is sent again.'

scenario() {
    world_nat
    on director iptables -P FORWARD DROP
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4
}
