title="Tunnel, one real server has no end for it"
faults="tunnel-not-decapsulated" culprit="rs2"
symptoms="syn-unanswered" may="icmp-unreachable"
readme="tunl0 is down on rs2. What comes in the tunnel is answered by ICMP unreachable to
the director."
look='rs2|icmp.type==3|1|rs2 answers a packet in the tunnel by ICMP.
rs1|tcp.flags.syn==1|3|rs1 shows the packet twice, then its answer.'

scenario() {
    world_tun
    ipr rs2 addr del "$vip/32" dev tunl0
    ipr rs2 link set tunl0 down
    add rs2 lo "$vip/32"
    service director
    serve rs1 rs2
    capture client director rs1:any rs2:any
    ask client -n 4
}
