title="NAT, a client port comes again before its old socket is gone"
faults="tuple-reuse-challenge-ack" culprit="rs1 rs2 client"
may="rst-no-socket retransmission syn-unanswered connection-reset"
readme="The client loses power with open connections and then uses the same ports. The
real server still has the old sockets: it answers the SYN with an ACK of the old
connection, the client resets that, and its next SYN is answered."
look="rs1|tcp.flags.reset==1|1|the client's RST; the two frames before it are its SYN and rs1's ACK of the old connection."

scenario() {
    world_nat
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --source-port 41000 --vanish
    sleep 1
    ask client -n 4 --source-port 41000
}
