# ip_vs services, and what their real servers need.

# quiet RS: neither answers nor asks in the name of an address on lo.
quiet() {
    at "$1" net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
}

# tunnel RS ADDRESS: the end of a tunnel from anywhere to ADDRESS, as $tunnel_if.
tunnel() {
    if [ "$family" = 6 ]; then
        tunnel_if=tun6
        ipr "$1" link add tun6 type ip6tnl mode ip6ip6 local "$2" remote :: encaplimit none
    else
        tunnel_if=tunl0
        at "$1" net.ipv4.conf.tunl0.rp_filter=0
    fi
    ipr "$1" link set "$tunnel_if" up
}

bracket() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

# service DIRECTOR [tcp|udp]: $vip:$port with the real servers of rs_list.
service() {
    local h=$1 flag=-t forward server
    if [ "${2:-tcp}" = udp ]; then flag=-u; fi
    case $mode in dr) forward=-g ;; tun) forward=-i ;; *) forward=-m ;; esac
    service_flag=$flag
    on "$h" ipvsadm -A $flag "$(bracket "$vip"):$port" -s rr
    for server in "${rs_list[@]}"; do
        on "$h" ipvsadm -a $flag "$(bracket "$vip"):$port" \
            -r "$(bracket "${server#*=}"):$rport" $forward
    done
}

# weigh DIRECTOR ADDRESS WEIGHT: 0 is what a health check leaves of a dead one.
weigh() {
    local forward
    case $mode in dr) forward=-g ;; tun) forward=-i ;; *) forward=-m ;; esac
    on "$1" ipvsadm -e "$service_flag" "$(bracket "$vip"):$port" -r "$(bracket "$2"):$rport" $forward -w "$3"
}

# unserve DIRECTOR ADDRESS: takes a real server out of the service.
unserve() {
    on "$1" ipvsadm -d "$service_flag" "$(bracket "$vip"):$port" -r "$(bracket "$2"):$rport"
}
