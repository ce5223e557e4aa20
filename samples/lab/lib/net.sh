# Hosts (network namespaces), LANs (bridges in the namespace "switch") and links.

hosts=()

# on HOST COMMAND...: runs there.
on() { local h=$1; shift; ip netns exec "$h" "$@"; }

# spawn HOST COMMAND...: in the background; $! is the command itself.
spawn() {
    local h=$1
    shift
    (exec ip netns exec "$h" "$@") &
}

# at HOST KEY=VALUE...: sysctls.
at() { local h=$1; shift; ip netns exec "$h" sysctl -qw "$@"; }

# ipr HOST ...: ip there.
ipr() { local h=$1; shift; ip -n "$h" "$@"; }

# lan NAME: a switch without a mind of its own.
lan() {
    if ! ip netns pids switch >/dev/null 2>&1; then
        ip netns add switch
        at switch net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    fi
    ipr switch link add "$1" type bridge forward_delay 0 mcast_snooping 0
    ipr switch link set "$1" up
}

# host NAME: an ordinary host, no router.
host() {
    ip netns add "$1"
    hosts+=("$1")
    ipr "$1" link set lo up
    at "$1" net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
        net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
    if [ "$family" = 6 ]; then
        # Router solicitations would be noise, and nobody here answers them.
        at "$1" net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
            net.ipv6.conf.lo.disable_ipv6=0 net.ipv6.conf.default.router_solicitations=0 \
            net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
    else
        at "$1" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    fi
}

# mac_of HOST IF: made from names, so that a scenario has the same MACs each time.
mac_of() {
    local sum
    sum=$(printf '%s/%s/%s' "$name" "$1" "$2" | md5sum)
    echo "52:54:00:${sum:0:2}:${sum:2:2}:${sum:4:2}"
}

# nic HOST IF LAN ADDRESS...: a NIC in a LAN.
nic() {
    local h=$1 i=$2 l=$3 mac address
    mac=$(mac_of "$h" "$i")
    shift 3
    ipr "$h" link add "$i" address "$mac" type veth peer name "$h-$i" netns switch
    ipr switch link set "$h-$i" master "$l" up
    ipr "$h" link set "$i" up
    for address in "$@"; do add "$h" "$i" "$address"; done
    echo "$h $i $mac $*" >> "$dir/.hosts"
}

# add HOST IF ADDRESS/LENGTH: without duplicate address detection. An IPv6 address
# with all its bits is a VIP and no host speaks in its name unasked: deprecated, as
# keepalived has it.
add() {
    case $3 in
        *:*/128) ipr "$1" addr add "$3" dev "$2" nodad preferred_lft 0 ;;
        *:*) ipr "$1" addr add "$3" dev "$2" nodad ;;
        *) ipr "$1" addr add "$3" dev "$2" ;;
    esac
}

# router NAME...: forwards.
router() {
    local h
    for h in "$@"; do
        at "$h" net.ipv4.ip_forward=1
        if [ "$family" = 6 ]; then at "$h" net.ipv6.conf.all.forwarding=1; fi
    done
}

# via HOST GATEWAY: default route.
via() { ipr "$1" route replace default via "$2"; }

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
    local tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ $tries -le 0 ]; then echo "in vain: $*" >&2; return 1; fi
        sleep 0.1
    done
}
