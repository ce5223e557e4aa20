title="NAT with health checks by keepalived, healthy"
verdict="healthy"
readme="keepalived connects to each real server every two seconds and closes again."
look='rs1|tcp.flags.syn==1 && ip.addr==172.16.0.2|2|a check and its answer.'

scenario() {
    world_nat
    serve rs1 rs2
    capture client director rs1 rs2
    checked director
    sleep 6
    ask client -n 6 --gap 0.5
    sleep 2
}
