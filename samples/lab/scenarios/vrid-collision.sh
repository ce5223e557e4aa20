title="Two clusters with one VRID"
faults="vrid-collision" allowed="vrrp-split-brain"
culprit="other other2 director director2" may="vip-arp-conflict"
readme="director and director2 own the VIP by VRRP, other and other2 an address of their
own, all of them with virtual router 51 in one LAN. Each pair throws away what the
other one says; the connections happen to work."
look="other|vrrp && ip.src==172.16.0.2|1|director's advertisement of virtual router 51 with 172.16.0.8,
other|vrrp && ip.src==172.16.0.4|1|other's, of the same one with 172.16.0.9."

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
    vrrp other 110 51 "${back}9/$full"
    vrrp other2 80 51 "${back}9/$full"
    wait_for 20 owns director "$vip"
    serve rs1 rs2
    ask client
    sleep 2
}
