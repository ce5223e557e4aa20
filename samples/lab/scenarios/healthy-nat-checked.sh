title="NAT with health checks by keepalived, healthy"
verdict="healthy"
readme="keepalived connects to each real server every two seconds and closes again."

scenario() {
    world_nat
    serve rs1 rs2
    capture client director rs1 rs2
    checked director
    sleep 6
    ask client -n 6 --gap 0.5
    sleep 2
}
