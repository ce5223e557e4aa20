title="VRRP over IPv6, the master steps down in order, healthy"
verdict="healthy" info="vrrp-failover"
readme="keepalived is stopped on director: an advertisement of priority 0, director2 takes
the VIP and announces it by unsolicited neighbour advertisements."
look='router|vrrp.prio==0|1|director steps down,
director2|icmpv6.type==136 && icmpv6.nd.na.target_address==2001:db8:16::8 && eth.src=={director2}|1|director2 announces the VIP.'

scenario() {
    local both
    family=6
    world_vrrp
    # VRRPv3 wants a link-local address first (RFC 5798, 5.2.9).
    both="fe80::8/64 dev eth0
        $vip/$full"
    vrrp director 100 51 "$both" "version 3"
    vrrp director2 90 51 "$both" "version 3"
    hand_over
    sleep 2
}
