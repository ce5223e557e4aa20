title="UDP in fragments, healthy"
verdict="healthy"
readme="Datagrams of 3000 bytes travel in three fragments, and all of them arrive."
look='director|ip.flags.mf==1 || ip.frag_offset>0|3|a datagram in three fragments.
rs2|ip.flags.mf==1 || ip.frag_offset>0|3|as rs2 gets it.'

scenario() {
    protocol=udp port=5300
    world_nat
    large_datagrams
}
