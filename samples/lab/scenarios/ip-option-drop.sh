title="DR, packets with IP options are lost on the way to the real servers"
faults="ip-option-drop" allowed="packet-loss rs-silent" culprit="rs1 rs2 director"
symptoms="syn-unanswered"
readme="Some connections carry an IP option in each packet (router alert). The switch
passes no header longer than 20 bytes to the real servers: those packets leave the
director and never arrive. Connections without options are served."
look='director|ip.hdr_len>20 && eth.src=={director}|2|SYNs with an option leave.
rs1|tcp.flags.syn==1 && tcp.flags.ack==0|1|the first that arrives has none.'

scenario() {
    local n
    world_dr
    for n in 1 2; do
        on switch tc qdisc add dev rs$n-eth0 clsact
        # Version and header length are one byte: 0x45 is a header without options.
        on switch tc filter add dev rs$n-eth0 egress protocol ip prio 1 u32 match u8 0x45 0xff at 0 action pass
        on switch tc filter add dev rs$n-eth0 egress protocol ip prio 2 matchall action drop
    done
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 3
    ask client -n 4 --ip-option
}
