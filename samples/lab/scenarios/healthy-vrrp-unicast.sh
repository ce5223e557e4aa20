title="VRRP by unicast, healthy"
verdict="healthy"
readme="director and director2 send their advertisements to each other's address instead
of the multicast group."
look='director|vrrp|2|advertisements to 172.16.0.3.'

scenario() {
    world_vrrp
    capture client router director director2 rs1 rs2
    vrrp director 100 51 "$vip/$full" "unicast_src_ip ${back}2
    unicast_peer { ${back}3 }"
    vrrp director2 90 51 "$vip/$full" "unicast_src_ip ${back}3
    unicast_peer { ${back}2 }"
    wait_for 20 owns director "$vip"
    serve rs1 rs2
    ask client
    sleep 2
}
