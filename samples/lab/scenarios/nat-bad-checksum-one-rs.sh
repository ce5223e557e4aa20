title="NAT, TCP checksums to one real server are wrong"
faults="vxlan-or-nat-bad-checksum" allowed="rs-silent" culprit="director rs2"
symptoms="syn-unanswered"
readme="The director's NIC spoils the TCP checksum of what it sends to rs2, which drops it
without a word. The client computes its checksums itself, so what rs1 gets is right."
look='rs2|tcp.flags.syn==1|3|SYNs with a wrong checksum.
rs1|tcp.flags.syn==1|1|one with a right checksum.'

scenario() {
    world_nat
    on client ethtool -K eth0 tx off gso off tso off >/dev/null
    on director tc qdisc add dev eth1 clsact
    on director tc filter add dev eth1 egress protocol ip flower dst_ip "$rip2" ip_proto tcp \
        action pedit munge offset 36 u16 set 0xbeef pipe action pass
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4
}
