title="DR, ICMP about the path MTU ends at the director"
faults="pmtud-icmp-misdelivered" culprit="director"
symptoms="retransmission" may="icmp-unreachable"
readme="The way to the client has an MTU of 1400. The router says so to the VIP, which is
the director to it, and the director's firewall drops ICMP: the real servers send
their full segments again and again."
look='director|icmp.type==3|2|what the router says of the MTU ends here.
rs1|tcp.analysis.retransmission|2|full segments again and again.'

scenario() {
    narrow_path
    on director iptables -A INPUT -p icmp -j DROP
    ask client -n 2 --timeout 5
}
