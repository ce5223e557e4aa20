title="Tunnel, healthy"
verdict="healthy"
readme="The director sends each packet on inside of another one; real servers answer the
client themselves."
look='rs1|tcp.flags.syn==1|2|a SYN in the tunnel, and its answer.'

scenario() {
    world_tun
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
