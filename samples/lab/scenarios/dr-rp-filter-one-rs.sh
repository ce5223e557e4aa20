title="DR, the reverse path check of one real server drops requests"
faults="rp-filter-drop|rs-silent" allowed="rs-missing-vip" culprit="rs2"
symptoms="syn-unanswered"
readme="The real servers get requests on eth0, their default route leads out of eth1. rs2
has rp_filter 1 and drops what comes where its answer would not leave. rs1 has 0."
look='rs2|tcp.flags.syn==1|3|SYNs arrive on eth0, nothing leaves.
rs1|tcp.flags.syn==1|2|rs1 answers by eth1.'

scenario() {
    two_nics
    at rs2 net.ipv4.conf.all.rp_filter=1
    capture client director rs1 rs2
    ask client -n 4
}
