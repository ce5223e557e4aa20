title="NAT, reused client ports after a real server was taken out, healthy"
verdict="healthy"
readme="As ipvs-reuse-to-dead-backend, with conn_reuse_mode 1: a SYN on a port whose
connection is over is scheduled anew, to the real server that is left."
look='client|tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.srcport==42000|2|the first and the second SYN of port 42000.'

scenario() {
    world_nat
    at director net.ipv4.vs.conn_reuse_mode=1
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --source-port 42000
    sleep 1
    ipr rs2 link set eth0 down
    weigh director "$rip2" 0
    ask client -n 4 --source-port 42000
    ask client -n 3
}
