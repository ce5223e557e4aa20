title="NAT, the director's reverse path check drops answers"
faults="rp-filter-drop" allowed="nat-director-not-forwarding" culprit="director"
symptoms="syn-unanswered" may="retransmission"
readme="The real servers answer by a second LAN to the director. Its own route to them is
the first one, and rp_filter is 1: answers arrive on eth2 and end there."
look='director|tcp.flags.syn==1 && tcp.flags.ack==1|2|SYN-ACKs come in on eth2, none goes out.'

scenario() {
    world_nat
    lan back2
    nic director eth2 back2 172.16.9.2/24
    local n
    for n in 1 2; do
        nic rs$n eth1 back2 172.16.9.1$n/24
        via rs$n 172.16.9.2
        # Or the director would not even believe their questions for its MAC.
        quiet rs$n
    done
    at director net.ipv4.conf.all.rp_filter=1
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4
}
