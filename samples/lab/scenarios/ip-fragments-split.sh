title="UDP, later fragments end at the director"
faults="ip-fragments-split" culprit="director" may="icmp-unreachable"
readme="Datagrams of 3000 bytes travel in three fragments. Something on the director's way
out lets only those with a UDP header through; the real servers give up waiting
for the rest after 2 s and say so (ICMP time exceeded in reassembly)."
look='director|ip.frag_offset>0|2|later fragments come in; none leaves.
rs1|ip.flags.mf==1|1|the first fragment alone.
rs1|icmp.type==11|1|rs1 gives up.'

scenario() {
    protocol=udp port=5300
    world_nat
    at rs1 net.ipv4.ipfrag_time=2
    at rs2 net.ipv4.ipfrag_time=2
    on director tc qdisc add dev eth1 clsact
    on director tc filter add dev eth1 egress protocol ip flower ip_flags frag/nofirstfrag action drop
    large_datagrams
    sleep 2
}
