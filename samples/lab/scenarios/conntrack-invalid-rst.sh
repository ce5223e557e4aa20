title="NAT by netfilter, one segment leaves untranslated"
faults="conntrack-invalid-rst" culprit="director"
symptoms="rst-no-socket" may="connection-reset asymmetric-return-path retransmission"
readme="On a kept connection rs1 sends a segment beyond the client's window: conntrack on
the director calls it INVALID and does not translate it. The client gets it from an
address that it never spoke to and answers with a RST, which reaches rs1 and ends
the connection there; the client's next request is reset."
look="client|ip.src==172.16.0.11|1|the segment from rs1's own address,
client|ip.dst==172.16.0.11 && tcp.flags.reset==1|1|and the client's RST to it.
rs1|tcp.flags.reset==1|2|it arrives at rs1; the next request draws a RST."

scenario() {
    stray_segment 90000
}
