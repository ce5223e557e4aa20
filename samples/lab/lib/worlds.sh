# Ready-made worlds: client, router, director, two real servers. `family` is 4
# or 6; `vip`, `port` and `rport` may be set before. Each sets `mode`.
#
#   client --- front --- router --- back --- director, rs1, rs2      (DR, TUN)
#   client --- front --- router --- edge --- director --- back --- rs1, rs2
#                            \------- back                           (NAT, proxy)

family=${family:-4}
port=80 rport=80 protocol=tcp mode=unknown vip=""
rs_list=()

# The addresses of the family.
addresses() {
    if [ "$family" = 6 ]; then
        len=64 full=128
        front=2001:db8:88:: edge=2001:db8:113:: back=2001:db8:16::
    else
        len=24 full=32
        front=${front:-188.88.88.} edge=203.0.113. back=172.16.0.
    fi
    cip=${front}10 rip1=${back}11 rip2=${back}12
    rs_list=("rs1=$rip1" "rs2=$rip2")
}

# Client and router; the router is in the LANs of the arguments too.
outside() {
    local l n=1
    lan front
    host client
    nic client eth0 front "$cip/$len"
    host router
    router router
    nic router eth0 front "${front}1/$len"
    for l in "$@"; do
        lan "$l"
        nic router "eth$n" "$l" "${!l}1/$len"
        n=$((n + 1))
    done
    via client "${front}1"
}

# The two real servers, with their gateway.
real_servers() {
    local n
    for n in 1 2; do
        host "rs$n"
        nic "rs$n" eth0 back "${back}1$n/$len"
        via "rs$n" "$1"
    done
}

# A director in the real servers' LAN.
one_armed() {
    addresses
    vip=${vip:-${back}8}
    outside back
    host director
    nic director eth0 back "${back}2/$len"
    add director eth0 "$vip/$full"
    via director "${back}1"
    real_servers "${back}1"
}

world_dr() {
    mode=dr
    one_armed
    local n
    for n in 1 2; do quiet "rs$n"; add "rs$n" lo "$vip/$full"; done
}

world_tun() {
    mode=tun
    one_armed
    local n
    for n in 1 2; do
        quiet "rs$n"
        tunnel "rs$n" "${back}1$n"
        add "rs$n" "$tunnel_if" "$vip/$full"
    done
}

# The second director of a pair, and the VIP with whoever is master.
world_vrrp() {
    mode=dr
    addresses
    vip=${vip:-${back}8}
    outside back
    local n
    for n in 2 3; do
        local h=director
        if [ $n = 3 ]; then h=director2; fi
        host $h
        nic $h eth0 back "${back}$n/$len"
        via $h "${back}1"
    done
    real_servers "${back}1"
    for n in 1 2; do quiet "rs$n"; add "rs$n" lo "$vip/$full"; done
    service director
    service director2
}

# DR by a director between two LANs, the VIP in a third subnet that the router
# sends to it. Real servers answer by the router.
world_dr_routed() {
    two_armed_with "${1:-10.99.1.8}"
    mode=dr rport=80
    ipr router route add "$vip/32" via "${edge}2"
    real_servers "${back}1"
    local n
    for n in 1 2; do quiet "rs$n"; add "rs$n" lo "$vip/$full"; done
}

two_armed_with() { vip=$1; two_armed; }

# A director between two LANs.
two_armed() {
    addresses
    rport=8000
    vip=${vip:-${edge}8}
    outside edge back
    host director
    router director
    nic director eth0 edge "${edge}2/$len"
    nic director eth1 back "${back}2/$len"
    add director eth0 "$vip/$full"
    via director "${edge}1"
}

world_nat() {
    mode=nat
    two_armed
    real_servers "${back}2"
}

world_fullnat() {
    mode=fullnat
    two_armed
    real_servers "${back}1"
    at director net.ipv4.vs.conntrack=1
    on director iptables -t nat -A POSTROUTING -m ipvs --vaddr "$vip" -j SNAT --to-source "${back}2"
}

# Layer 7: the proxy itself is started by the scenario.
world_proxy() {
    mode=proxy
    two_armed
    real_servers "${back}1"
}
