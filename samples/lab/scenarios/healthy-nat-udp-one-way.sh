title="UDP that nobody answers by design, healthy"
verdict="healthy inconclusive"
readme="Clients send datagrams that need no answer, as syslog does, and both real servers
get them."
look='director|udp|2|a datagram in and out.'

scenario() {
    protocol=udp port=5140
    world_nat
    service director udp
    serve rs1 rs2 -- --udp --mute
    capture client director rs1 rs2
    ask client -n 4 --udp --requests 4 --pause 0.3 --timeout 0.1
}
