title="NAT by netfilter, one old segment leaves untranslated"
faults="conntrack-invalid-rst" culprit="director"
symptoms="rst-no-socket" may="connection-reset asymmetric-return-path retransmission"
readme="In the middle of a kept connection an old segment of rs1 comes once more, out of
the window: conntrack on the director calls it INVALID and does not translate it.
The client gets it from an address that it never spoke to and answers with a RST,
which reaches the real server and ends the connection there."

scenario() {
    old_segment 0
}

# old_segment LIBERAL: a download larger than the client's window, then its first
# segment once more, then a second request.
old_segment() {
    world_nat
    at client net.ipv4.tcp_rmem="4096 16384 24000"
    at director net.netfilter.nf_conntrack_tcp_be_liberal="$1"
    dnat director
    serve rs1 rs2 -- --size 60000
    snaplen=160
    capture client director rs1 rs2
    spawn rs1 /usr/bin/python3 "$lab/lib/replay.py" eth0 "$rport" 1.5
    sleep 1
    ask client -n 2 --requests 2 --pause 3
    kill $! 2>/dev/null || true
}
