title="VRRP, the backup hears nothing of the master"
faults="vrrp-advert-not-received|vrrp-split-brain"
culprit="director director2" symptoms="vip-arp-conflict"
readme="The switch passes no multicast to director2's port. director2 hears nothing of
director and makes itself master too; director hears director2's lower priority
and stays."
look="director|vrrp && ip.src==172.16.0.2|2|director's advertisements leave it;
director2|vrrp && ip.src==172.16.0.3|2|director2.pcap has only its own.
director|vrrp && ip.src==172.16.0.3|1|director hears those of director2."

scenario() {
    world_vrrp
    on switch tc qdisc add dev director2-eth0 clsact
    # flower reads protocol numbers in hexadecimal: 112, VRRP.
    on switch tc filter add dev director2-eth0 egress protocol ip flower ip_proto 70 action drop
    capture client router director director2 rs1 rs2
    vrrp director 100
    vrrp director2 90
    wait_for 20 owns director "$vip"
    wait_for 20 owns director2 "$vip"
    serve rs1 rs2
    ask client
    sleep 2
}
