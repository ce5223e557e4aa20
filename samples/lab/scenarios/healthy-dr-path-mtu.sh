title="DR, a narrow path that real servers learn of, healthy"
verdict="healthy" may="retransmission icmp-unreachable"
readme="As pmtud-icmp-misdelivered, but the director passes ICMP on to the real server
that it is about: one segment a real server is sent again, smaller."
look='director|icmp.type==3|2|what the router says of the MTU, and out to the real server.'

scenario() {
    narrow_path
    ask client -n 2 --timeout 5
}
