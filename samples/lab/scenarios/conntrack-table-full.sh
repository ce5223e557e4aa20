title="NAT by netfilter, the connection table is full"
faults="conntrack-table-full" culprit="director"
symptoms="syn-unanswered" may="retransmission"
readme="The director's connection table has room for eight. Kept connections go on, new
ones get no further than the director."
look='director|tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.analysis.retransmission|2|SYNs come in again, none leaves.'

scenario() {
    world_nat
    dnat director
    serve rs1 rs2
    capture client director rs1 rs2
    sysctl -qw net.netfilter.nf_conntrack_max=8
    ask client -n 12 --requests 3 --pause 1.5 --gap 0.2
    sysctl -qw net.netfilter.nf_conntrack_max=65536
}
