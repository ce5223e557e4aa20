title="NAT by netfilter, a stray segment is dropped, healthy"
verdict="healthy"
readme="As conntrack-invalid-rst, but the director drops what conntrack calls INVALID: the
stray segment ends there, and the connection goes on."
look='director|ip.src==172.16.0.11 && tcp.len==1448 && tcp.nxtseq>85000|1|the stray segment comes in and does not leave.'

scenario() {
    invalid=drop
    stray_segment 90000
}
