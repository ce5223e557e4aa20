# What a fault and the healthy scenario beside it have in common: the same world
# or course of events, save for the one thing that is broken.

# routers_apart: DR, requests by router, answers by router2.
routers_apart() {
    local n
    world_dr
    host router2
    router router2
    nic router2 eth0 front "${front}254/$len"
    nic router2 eth1 back "${back}254/$len"
    for n in 1 2; do via rs$n "${back}254"; done
    service director
    serve rs1 rs2
}

# wide_mask: DR, the VIP as /24 on lo, and a client in that prefix.
wide_mask() {
    local n
    addresses
    world_dr_routed "${edge}8"
    host lanclient
    nic lanclient eth0 edge "${edge}50/$len"
    via lanclient "${edge}1"
    ipr lanclient route add "$vip/32" via "${edge}1"
    for n in 1 2; do
        ipr rs$n addr del "$vip/32" dev lo
        add rs$n lo "$vip/24"
    done
    service director
    serve rs1 rs2
}

# stray_segment AHEAD: NAT by netfilter, a download, then its first segment once
# more with a sequence number AHEAD bytes on, then a second request. With `invalid`
# set, the director drops what conntrack calls INVALID.
stray_segment() {
    world_nat
    at client net.ipv4.tcp_rmem="4096 16384 24000"
    dnat director
    if [ -n "${invalid:-}" ]; then
        on director iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
    fi
    serve rs1 rs2 -- --size 30000
    snaplen=160
    capture client director rs1 rs2
    spawn rs1 /usr/bin/python3 "$lab/lib/replay.py" eth0 "$rport" 1.5 "$1"
    sleep 1
    ask client -n 2 --requests 2 --pause 3
    kill $! 2>/dev/null || true
}

# stuck_port COMMAND: UDP, one client port asks all the time; COMMAND gets the
# address of its real server; other ports go on.
stuck_port() {
    local chosen
    protocol=udp port=5300
    world_nat
    at director net.ipv4.neigh.eth1.base_reachable_time_ms=1500 \
        net.ipv4.neigh.eth1.delay_first_probe_time=1
    service director udp
    serve rs1 rs2 -- --udp
    capture client director rs1 rs2
    ask client -n 1 --udp --source-port 40000 --requests 18 --pause 0.5 --timeout 0.5 &
    sleep 3
    chosen=$(on director ipvsadm -lnc | awk '/:40000/ { sub(/:.*/, "", $6); print $6 }')
    "$1" "$chosen"
    ask client -n 4 --udp --gap 0.5
    wait %%
}

# two_clusters VRID: VRRP, director and director2 as 51, other and other2 as VRID.
two_clusters() {
    local n h
    world_vrrp
    for n in 4 5; do
        h=other
        if [ $n = 5 ]; then h=other2; fi
        host $h
        nic $h eth0 back "${back}$n/$len"
        via $h "${back}1"
    done
    capture client director director2 other rs1 rs2
    vrrp director 100
    vrrp director2 90
    vrrp other 110 "$1" "${back}9/$full"
    vrrp other2 80 "$1" "${back}9/$full"
    wait_for 20 owns director "$vip"
    serve rs1 rs2
    ask client
    sleep 2
}

# two_nics: DR, requests arrive on eth0, the default route leads out of eth1.
two_nics() {
    local n
    world_dr
    lan mgmt
    nic router eth2 mgmt 10.7.0.1/24
    for n in 1 2; do
        nic rs$n eth1 mgmt 10.7.0.1$n/24
        via rs$n 10.7.0.1
    done
    service director
    serve rs1 rs2
}

# serving_directors: DR, director and director2 are the real servers.
serving_directors() {
    local n h
    addresses
    vip=${back}8 mode=dr
    outside back
    rs_list=("director=${back}2" "director2=${back}3")
    for n in 2 3; do
        h=director
        if [ $n = 3 ]; then h=director2; fi
        host $h
        nic $h eth0 back "${back}$n/$len"
        via $h "${back}1"
    done
    add director eth0 "$vip/$full"
    quiet director2
    add director2 lo "$vip/$full"
    service director
}

# reused_ports MODE: four ports, then one real server dies, then the same ports and
# some others.
reused_ports() {
    world_nat
    at director net.ipv4.vs.conn_reuse_mode="$1"
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4 --source-port 42000
    sleep 1
    ipr rs2 link set eth0 down
    ipr director neigh flush dev eth1
    weigh director "$rip2" 0
    ask client -n 4 --source-port 42000 --timeout 5
    ask client -n 3
}

# checked_pool: NAT, keepalived fills the service by what its checks say.
checked_pool() {
    serve rs1 rs2
    capture client director rs1 rs2
    checked director
    sleep 6
    ask client -n 6 --gap 0.5
    sleep 2
}

# narrow_path: DR, answers are larger than the way to the client is wide.
narrow_path() {
    world_dr
    ipr router link set eth0 mtu 1400
    service director
    serve rs1 rs2 -- --size 3000
    capture client router director rs1 rs2
}

# large_datagrams: UDP in three fragments, and some that need none.
large_datagrams() {
    service director udp
    serve rs1 rs2 -- --udp
    capture client director rs1 rs2
    ask client -n 4 --udp --body 3000 --gap 0.5
    ask client -n 2 --udp --body 100
}

# proxy_arp DELAY: DR, and a host vpn that answers for half of the LAN, up to DELAY
# ticks later.
proxy_arp() {
    local n
    world_dr
    lan inside
    host vpn
    router vpn
    nic vpn eth0 back "${back}250/$len"
    nic vpn eth1 inside 10.8.0.1/24
    ipr vpn route add 172.16.0.0/28 dev eth1
    at vpn net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay="$1"
    service director
    serve rs1 rs2
    capture client router director rs1 rs2
    for n in 1 2 3; do
        ask client -n 2
        ipr router neigh flush dev eth1
        sleep 1.2
    done
}

# half_closed SECONDS: DR, clients that close their side at once, answers after 6 s,
# SECONDS for FIN_WAIT on the director.
half_closed() {
    world_dr
    on director ipvsadm --set 900 "$1" 300
    service director
    serve rs1 rs2 -- --delay 6 --size 20000
    snaplen=160
    capture client director rs1 rs2
    ask client -n 3 --half-close --timeout 10
}
