title="NAT, client ports come again after a close, healthy"
verdict="healthy"
readme="A client uses the same four ports twice; the first connections were closed on
both sides."

scenario() {
    world_nat
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --source-port 41000
    sleep 1
    ask client -n 4 --source-port 41000
}
