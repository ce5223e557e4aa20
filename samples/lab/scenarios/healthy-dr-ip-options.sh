title="DR, packets with IP options that arrive, healthy"
verdict="healthy"
readme="Some connections carry an IP option in each packet (router alert)."
look='rs1|ip.hdr_len>20|1|a packet with an option, at a real server.'

scenario() {
    world_dr
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 3
    ask client -n 4 --ip-option
}
