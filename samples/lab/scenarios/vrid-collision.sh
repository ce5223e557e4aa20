title="Two clusters with one VRID"
faults="vrid-collision" allowed="vrrp-split-brain"
culprit="other other2 director director2" may="vip-arp-conflict"
readme="director and director2 own the VIP by VRRP, other and other2 an address of their
own, all of them with virtual router 51 in one LAN. Each pair throws away what the
other one says; the connections happen to work."
look="other|vrrp && ip.src==172.16.0.2|1|director's advertisement of virtual router 51 with 172.16.0.8,
other|vrrp && ip.src==172.16.0.4|1|other's, of the same one with 172.16.0.9."

scenario() {
    two_clusters 51
}
