title="UDP from one port all the time, healthy"
verdict="healthy"
readme="A client asks from one port again and again and is answered by one real server,
other ports by both."
look='director|udp.srcport==40000|2|a datagram in from the client and out to its real server.'

scenario() {
    protocol=udp port=5300
    world_nat
    service director udp
    serve rs1 rs2 -- --udp
    capture client director rs1 rs2
    ask client -n 1 --udp --source-port 40000 --requests 6 --pause 0.3 &
    ask client -n 4 --udp --gap 0.3
    wait %%
}
