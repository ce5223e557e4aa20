title="NAT, reused client ports stay with a dead real server"
faults="ipvs-reuse-to-dead-backend" allowed="rs-unreachable"
culprit="rs2 director" symptoms="arp-unanswered" may="icmp-unreachable syn-unanswered"
readme="conn_reuse_mode is 0. rs2 leaves the wire and gets the weight 0, but the entries of
closed connections live for two minutes: a client port that was there before goes
to rs2 again, new ports to rs1."
look='director|arp.opcode==1 && arp.dst.proto_ipv4==172.16.0.12 && frame.time_relative>2|3|the director asks for rs2 in vain.'

scenario() { reused_ports 0; }

# reused_ports MODE: four ports, then one server dies, then the same ports.
reused_ports() {
    world_nat
    at director net.ipv4.vs.conn_reuse_mode="$1"
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --source-port 42000
    sleep 1
    ipr rs2 link set eth0 down
    ipr director neigh flush dev eth1
    weigh director "$rip2" 0
    ask client -n 4 --source-port 42000 --timeout 5
    ask client -n 3
}
