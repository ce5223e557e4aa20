title="VRRP, the master steps down in order, healthy"
verdict="healthy" info="vrrp-failover"
readme="keepalived is stopped on director: an advertisement of priority 0, director2 takes
the VIP and announces it."
look='router|vrrp.prio==0|1|director steps down,
director2|arp.isgratuitous && eth.src=={director2}|1|director2 announces the VIP.'

scenario() {
    world_vrrp
    vrrp director 100
    vrrp director2 90
    hand_over
    sleep 2
}
