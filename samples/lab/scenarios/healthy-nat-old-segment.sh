title="NAT by netfilter, an old segment comes again, healthy"
verdict="healthy" may="retransmission"
readme="On a kept connection an old segment of rs1 comes once more. The director
translates it like all others, the client acknowledges it again, and all goes on."
look='rs1|tcp.analysis.spurious_retransmission || tcp.analysis.retransmission|1|the old segment again.
client|tcp.analysis.spurious_retransmission || tcp.analysis.retransmission|1|it arrives from the VIP.'

scenario() {
    world_nat
    at client net.ipv4.tcp_rmem="4096 16384 24000"
    dnat director
    serve rs1 rs2 -- --size 60000
    snaplen=160
    capture client director rs1 rs2
    spawn rs1 /usr/bin/python3 "$lab/lib/replay.py" eth0 "$rport" 1.5 0
    sleep 1
    ask client -n 2 --requests 2 --pause 3
    kill $! 2>/dev/null || true
}
