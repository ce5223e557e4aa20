title="DR, SYN cookies on one real server lose the TCP options"
faults="syn-cookies-lost-options" culprit="rs2"
readme="tcp_syncookies is 2 on rs2 and it has no timestamps: each SYN-ACK is a cookie, with
room for the MSS and nothing else. rs1 offers window scaling and SACK."
look='rs2|tcp.flags.syn==1 && tcp.flags.ack==1|1|a SYN-ACK with the MSS alone.
rs1|tcp.flags.syn==1 && tcp.flags.ack==1|1|one with all options.'

scenario() {
    world_dr
    at rs2 net.ipv4.tcp_syncookies=2 net.ipv4.tcp_timestamps=0
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
