title="UDP in fragments, healthy"
verdict="healthy"
readme="Datagrams of 3000 bytes travel in three fragments, and all of them arrive."

scenario() {
    protocol=udp port=5300
    world_nat
    service director udp
    serve rs1 rs2 -- --udp
    capture client director rs1 rs2
    ask client -n 4 --udp --body 3000
    ask client -n 2 --udp --body 100
}
