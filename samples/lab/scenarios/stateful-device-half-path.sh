title="DR, a stateful firewall that sees only one direction"
faults="stateful-device-half-path" culprit="router"
may="retransmission syn-unanswered connection-reset"
readme="SYNs go to the director by router, answers leave by router2. The router's
firewall never sees a SYN-ACK, so the client's ACK is INVALID to it and dropped:
real servers send their SYN-ACK again and again, the client its request."
look="client|tcp.flags.syn==1 && tcp.flags.ack==1|2|a SYN-ACK from router2's MAC, and again.
client|tcp.flags.syn==0 && eth.src=={client}|2|the client's ACK and request, to router's MAC.
router|tcp.flags.syn==0|2|they come in and do not go out.
rs1|tcp.flags.syn==1 && tcp.flags.ack==1|2|rs1 never sees them."

scenario() {
    routers_apart
    capture client router director rs1 rs2
    on router iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
    ask client -n 4 --timeout 5
}
