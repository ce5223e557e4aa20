# keepalived.

# vrrp HOST PRIORITY [VRID [VIP [EXTRA-LINES]]]: the VIP by VRRP on eth0, state BACKUP
# at first, so that priorities alone decide.
vrrp() {
    local h=$1 file=$dir/.$1.keepalived
    cat > "$file" <<CONF
global_defs {
    router_id $h
    vrrp_garp_master_delay 1
    vrrp_startup_delay 0
}
vrrp_instance v {
    state BACKUP
    interface eth0
    virtual_router_id ${3:-51}
    priority $2
    advert_int 1
    ${5:-}
    virtual_ipaddress {
        ${4:-$vip/$full} dev eth0
    }
}
CONF
    spawn "$h" keepalived -n -l -P -f "$file" -p "$dir/.$h.pid" -r "$dir/.$h.vrrp.pid"
    echo "$! $h" >> "$dir/.servers"
}

# owns HOST ADDRESS
owns() { ipr "$1" -o addr show | grep -q " $2/"; }

# hand_over: director has the VIP and serves, steps down in order, director2 serves.
hand_over() {
    wait_for 20 owns director "$vip"
    serve rs1 rs2
    capture client router director director2 rs1 rs2
    ask client -n 3
    sleep 0.5
    stop_servers director
    wait_for 10 owns director2 "$vip"
    sleep 2
    ask client -n 3
}

# checked HOST: keepalived as the one who fills the service, with a connection to
# each real server every two seconds.
checked() {
    local h=$1 file=$dir/.$1.keepalived server
    {
        printf 'global_defs {\n router_id %s\n}\n' "$h"
        printf 'virtual_server %s %s {\n delay_loop 2\n lb_algo rr\n lb_kind %s\n protocol TCP\n' \
            "$vip" "$port" "${mode^^}"
        for server in "${rs_list[@]}"; do
            printf ' real_server %s %s {\n  TCP_CHECK {\n   connect_timeout 1\n   retry 0\n  }\n }\n' \
                "${server#*=}" "$rport"
        done
        echo '}'
    } > "$file"
    spawn "$h" keepalived -n -l -C -f "$file" -p "$dir/.$h.pid" -c "$dir/.$h.check.pid"
    echo "$! $h" >> "$dir/.servers"
}
