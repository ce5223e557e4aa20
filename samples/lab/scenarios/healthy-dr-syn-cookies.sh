title="DR, SYN cookies with timestamps, healthy"
verdict="healthy"
readme="tcp_syncookies is 2 on rs2, so each SYN-ACK is a cookie, but the options live in
its timestamp: window scale and SACK are not lost."
look='rs2|tcp.flags.syn==1 && tcp.flags.ack==1|1|a cookie with all options.'

scenario() {
    world_dr
    at rs2 net.ipv4.tcp_syncookies=2
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
