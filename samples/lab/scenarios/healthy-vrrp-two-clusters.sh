title="Two clusters with a VRID each, healthy"
verdict="healthy"
readme="director and director2 own the VIP as virtual router 51, other and other2 an
address of their own as virtual router 52, in one LAN."
look='other|vrrp && ip.src==172.16.0.2|1|virtual router 51,
other|vrrp && ip.src==172.16.0.4|1|and 52.'

scenario() {
    two_clusters 52
}
