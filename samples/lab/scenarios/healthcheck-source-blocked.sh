title="NAT, a real server's firewall drops the health checks"
faults="healthcheck-source-blocked" culprit="rs2"
may="syn-unanswered retransmission"
readme="rs2 drops what comes from the director's own address. Its checks (keepalived,
TCP_CHECK) fail, rs2 is out of the service and gets no connection, though it could
serve: other sources are not blocked. rs1 carries all."
look='rs2|tcp.flags.syn==1|3|checks without an answer, and nothing else.
rs1|tcp.flags.syn==1|2|rs1 answers its checks.'

scenario() {
    world_nat
    on rs2 iptables -A INPUT -s "${back}2" -j DROP
    checked_pool
}
