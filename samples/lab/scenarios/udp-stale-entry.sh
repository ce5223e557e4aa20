title="UDP, one client port stays with a dead real server"
faults="udp-stale-entry" allowed="rs-unreachable"
culprit="rs1 rs2 director" may="icmp-unreachable arp-unanswered"
readme="A client asks from one port all the time. Its real server leaves the wire, and
its weight becomes 0: new ports go to the other one, but the entry of this port
lives for as long as the client asks."
look='director|ip.src==188.88.88.10 && udp.srcport==40000 && frame.time_relative>5|3|datagrams from port 40000.'

scenario() {
    protocol=udp port=5300
    world_nat
    at director net.ipv4.neigh.eth1.base_reachable_time_ms=1500 net.ipv4.neigh.eth1.delay_first_probe_time=1
    service director udp
    serve rs1 rs2 -- --udp
    capture client director rs1 rs2
    ask client -n 1 --udp --source-port 40000 --requests 18 --pause 0.5 --timeout 0.5 &
    sleep 3
    local gone
    gone=$(on director ipvsadm -lnc | awk '/:40000/ { sub(/:.*/, "", $6); print $6 }')
    ipr "rs${gone##*1}" link set eth0 down
    weigh director "$gone" 0
    ask client -n 4 --udp --gap 0.5
    wait %%
}
