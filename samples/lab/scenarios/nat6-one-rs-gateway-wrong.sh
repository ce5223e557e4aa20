title="NAT over IPv6, the gateway of one real server is the router"
faults="nat-return-bypasses-director" culprit="rs2"
symptoms="asymmetric-return-path rst-no-socket" may="syn-unanswered"
readme="rs2 answers by the router: the client gets a SYN-ACK from an address that it never
asked, and resets."
look="rs2|tcp.flags.syn==1 && tcp.flags.ack==1|1|the SYN-ACK leaves for the router's MAC.
client|tcp.flags.reset==1|1|the client resets it."

scenario() {
    family=6
    world_nat
    via rs2 "${back}1"
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4
}
