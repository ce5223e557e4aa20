title="DR, the director asks its own VIP"
faults="client-on-director" allowed="rs-silent" culprit="director"
symptoms="syn-unanswered" may="retransmission syn-from-self"
readme="A client on the director calls the VIP: its SYN has the VIP as source too. To a
real server that is its own address from outside, a martian, and it is silent.
Clients elsewhere are served."
look='director|ip.src==172.16.0.8 && tcp.flags.syn==1 && tcp.flags.ack==0|2|SYNs from the VIP to the VIP.
rs1|ip.src==172.16.0.8 && ip.dst==172.16.0.8|1|one at rs1, without an answer.'

scenario() {
    world_dr
    service director
    serve rs1 rs2
    capture client director:any rs1 rs2
    # Or the director would ask for the real servers in the VIP's name, in vain.
    ask client -n 4
    ask director -n 3
}
