title="Two clusters with a VRID each, healthy"
verdict="healthy"
readme="director and director2 own the VIP as virtual router 51, other and other2 an
address of their own as virtual router 52, in one LAN."
look='other|vrrp && ip.src==172.16.0.2|1|virtual router 51,
other|vrrp && ip.src==172.16.0.4|1|and 52.'

scenario() {
    world_vrrp
    local n
    for n in 4 5; do
        local h=other
        if [ $n = 5 ]; then h=other2; fi
        host $h
        nic $h eth0 back "${back}$n/$len"
        via $h "${back}1"
    done
    capture client router director director2 other rs1 rs2
    vrrp director 100
    vrrp director2 90
    vrrp other 110 52 "${back}9/$full"
    vrrp other2 80 52 "${back}9/$full"
    wait_for 20 owns director "$vip"
    serve rs1 rs2
    ask client
    sleep 2
}
