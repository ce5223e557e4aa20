title="DR, both NICs of the director answer for the VIP, healthy"
verdict="healthy degraded" allowed="proxy-arp-or-arp-flux" may="vip-arp-conflict"
readme="The director has two NICs in one LAN and arp_ignore 0: both answer each question
for the VIP. Both are the director, and all connections work."

scenario() {
    world_dr
    nic director eth1 back "${back}4/$len"
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    ask client -n 3
    ipr router neigh flush dev eth1
    ask client -n 3
}
