title="DR over IPv6, the VIP passes duplicate address detection, healthy"
verdict="healthy"
readme="The director adds the VIP while it is recorded: its question whether somebody has
it stays without an answer, as it should."

scenario() {
    family=6
    world_dr
    ipr director addr del "$vip/128" dev eth0
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ipr director addr add "$vip/128" dev eth0
    sleep 3
    ask client
}
