title="NAT, reused client ports after a real server was taken out, healthy"
verdict="healthy"
readme="As ipvs-reuse-to-dead-backend, with conn_reuse_mode 1: a SYN on a port whose
connection is over is scheduled anew, to the real server that is left."
look='client|tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.srcport==42000|2|the first and the second SYN of port 42000.'

scenario() {
    reused_ports 1
}
