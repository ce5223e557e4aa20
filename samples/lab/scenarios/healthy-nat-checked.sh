title="NAT with health checks by keepalived, healthy"
verdict="healthy"
readme="keepalived connects to each real server every two seconds and closes again."
look='rs1|tcp.flags.syn==1 && ip.addr==172.16.0.2|2|a check and its answer.'

scenario() {
    world_nat
    checked_pool
}
