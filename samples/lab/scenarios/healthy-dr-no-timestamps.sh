title="DR, one real server without TCP timestamps, healthy"
verdict="healthy"
readme="rs2 has tcp_timestamps 0: its SYN-ACKs lack that option and no other."
look='rs2|tcp.flags.syn==1 && tcp.flags.ack==1|1|a SYN-ACK with window scale and SACK, without timestamps.'

scenario() {
    world_dr
    at rs2 net.ipv4.tcp_timestamps=0
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
