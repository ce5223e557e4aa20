title="FullNAT, healthy"
verdict="healthy"
readme="The director translates both addresses; to the real servers it is the client."
look='rs1|tcp.flags.syn==1|2|a SYN of the director and its answer.'

scenario() {
    world_fullnat
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client
}
