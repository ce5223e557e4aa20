title="NAT, client ports come again after a close, healthy"
verdict="healthy"
readme="A client uses the same four ports twice; the first connections were closed on
both sides."
look='client|tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.srcport==41000|2|the first and the second SYN of port 41000.'

scenario() {
    world_nat
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --source-port 41000
    sleep 1
    ask client -n 4 --source-port 41000
}
