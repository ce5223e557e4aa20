title="DR over IPv6, the VIP passes duplicate address detection, healthy"
verdict="healthy"
readme="The director adds the VIP while it is recorded: its question whether somebody has
it stays without an answer, as it should."
look='director|icmpv6.type==135 && ipv6.src==:: && icmpv6.nd.ns.target_address==2001:db8:16::8|1|the question, without an answer.'

scenario() {
    family=6
    world_dr
    ipr director addr del "$vip/128" dev eth0
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ipr director addr add "$vip/128" dev eth0 preferred_lft 0
    sleep 3
    ask client
}
