title="DR, requests in by one NIC and answers out by another, healthy"
verdict="healthy"
readme="The real servers get requests on eth0 and answer by eth1. rp_filter is 0."
look='rs2|tcp.flags.syn==1|2|a SYN in on eth0, its SYN-ACK out on eth1.'

scenario() {
    world_dr
    lan mgmt
    nic router eth2 mgmt 10.7.0.1/24
    local n
    for n in 1 2; do
        nic rs$n eth1 mgmt 10.7.0.1$n/24
        via rs$n 10.7.0.1
    done
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
