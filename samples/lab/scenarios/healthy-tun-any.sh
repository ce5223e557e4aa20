title="Tunnel, captured on all interfaces, healthy"
verdict="healthy"
readme="Captures of all interfaces show each packet twice, in the tunnel and out of it."
look='rs1|tcp.flags.syn==1|3|a SYN in the tunnel, out of it, and its answer.'

scenario() {
    world_tun
    service director
    serve rs1 rs2
    capture client director rs1:any rs2:any
    ask client
}
