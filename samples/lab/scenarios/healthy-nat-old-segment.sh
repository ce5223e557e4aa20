title="NAT by netfilter, an old segment comes again, healthy"
verdict="healthy" may="retransmission"
readme="On a kept connection an old segment of rs1 comes once more. The director
translates it like all others, the client acknowledges it again, and all goes on."
look='rs1|tcp.analysis.spurious_retransmission || tcp.analysis.retransmission|1|the old segment again.
client|tcp.analysis.spurious_retransmission || tcp.analysis.retransmission|1|it arrives from the VIP.'

scenario() {
    stray_segment 0
}
