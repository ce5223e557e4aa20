title="NAT, reused client ports stay with a dead real server"
faults="ipvs-reuse-to-dead-backend" allowed="rs-unreachable"
culprit="rs2 director" may="arp-unanswered icmp-unreachable syn-unanswered"
readme="conn_reuse_mode is 0. rs2 leaves the wire and gets the weight 0, but the entries of
closed connections live for two minutes: a client port that was there before goes
to rs2 again, new ports to rs1."
look='director|arp.opcode==1 && arp.dst.proto_ipv4==172.16.0.12 && frame.time_relative>2|3|the director asks for rs2 in vain.'

scenario() {
    reused_ports 0
}
