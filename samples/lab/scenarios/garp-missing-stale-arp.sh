title="VRRP fails over, nobody is told"
faults="garp-missing-stale-arp" allowed="director-no-entry-rst"
culprit="director2 router" symptoms="syn-unanswered" may="arp-unanswered vip-arp-conflict"
readme="director leaves the wire and director2 takes the VIP, but its gratuitous ARP never
leaves it. The router goes on with the old MAC until its entry ages."
look='director2|vrrp && ip.src==172.16.0.3|1|director2 is master.
client|tcp.analysis.retransmission && tcp.flags.syn==1|3|SYNs without an answer.
director2|arp.opcode==2 && arp.src.proto_ipv4==172.16.0.8 && eth.src=={director2}|1|the router asked anew at last, and director2 answers.'

scenario() {
    world_vrrp
    # What keepalived sends by a packet socket, arptables never sees.
    on director2 nft -f - <<RULES
table netdev lab {
    chain out {
        type filter hook egress device "eth0" priority 0;
        arp saddr ip $vip arp daddr ip $vip drop
    }
}
RULES
    # So that the entry ages before the recording ends.
    at router net.ipv4.neigh.eth1.base_reachable_time_ms=5000 net.ipv4.neigh.eth1.delay_first_probe_time=2
    vrrp director 100
    vrrp director2 90
    wait_for 20 owns director "$vip"
    serve rs1 rs2
    capture client router director director2 rs1 rs2
    ask client -n 22 --gap 0.8 --timeout 2 &
    sleep 3
    ipr director link set eth0 down
    wait $!
}
