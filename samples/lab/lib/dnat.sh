# NAT by netfilter alone, without ip_vs.

# dnat DIRECTOR: connections to $vip:$port in turn to the real servers.
dnat() {
    local left=${#rs_list[@]} server
    # Loaded with conntrack, or the first packets pass without it.
    for server in "${rs_list[@]}"; do
        on "$1" iptables -t nat -A PREROUTING -p tcp -d "$vip" --dport "$port" \
            -m statistic --mode nth --every "$left" --packet 0 \
            -j DNAT --to-destination "${server#*=}:$rport"
        left=$((left - 1))
    done
}
