title="VRRP, the VIP moves away and comes back, healthy"
verdict="healthy" info="vrrp-failover"
readme="keepalived is stopped on director and started again: director2 takes the VIP, then
director, whose priority is higher, takes it back. Both say so."
look='router|vrrp.prio==0|1|director steps down,
director2|arp.isgratuitous && eth.src=={director2}|1|director2 announces the VIP,
director2|arp.isgratuitous && eth.src=={director} && frame.time_relative>8|1|director announces it again.'

scenario() {
    world_vrrp
    vrrp director 100
    vrrp director2 90
    hand_over
    vrrp director 100
    wait_for 15 owns director "$vip"
    sleep 2
    ask client -n 3
}
