title="DR, a container bridge of one real server has the clients' prefix"
faults="rs-route-overlap" allowed="rs-silent" culprit="rs2"
symptoms="syn-unanswered" may="arp-unanswered icmp-unreachable"
readme="Clients are in 172.17.0.0/24, and so is docker0 of rs2: its answers to them go to
that bridge, where nobody is. rs2 was captured on all interfaces."
look='rs2|tcp.flags.syn==1|2|SYNs arrive on eth0.
rs2|arp.opcode==1 && arp.dst.proto_ipv4==172.17.0.10|2|rs2 asks for the client on docker0.'

scenario() {
    front=172.17.0.
    world_dr
    ipr rs2 link add docker0 type bridge
    ipr rs2 link add veth0 type veth peer name veth1
    ipr rs2 link set veth0 master docker0 up
    ipr rs2 link set veth1 up
    ipr rs2 link set docker0 up
    ipr rs2 addr add 172.17.0.1/16 dev docker0
    # More specific than the default route, as any address of docker0 is.
    service director
    serve rs1 rs2
    capture client director rs1 rs2:any
    ask client -n 4
}
