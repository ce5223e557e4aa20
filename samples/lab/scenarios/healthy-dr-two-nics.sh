title="DR, requests in by one NIC and answers out by another, healthy"
verdict="healthy"
readme="The real servers get requests on eth0 and answer by eth1. rp_filter is 0."
look='rs2|tcp.flags.syn==1|2|a SYN in on eth0, its SYN-ACK out on eth1.'

scenario() {
    two_nics
    capture client director rs1 rs2
    ask client
}
