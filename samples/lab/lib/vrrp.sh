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
    on "$h" keepalived -n -l -P -f "$file" -p "$dir/.$h.pid" -r "$dir/.$h.vrrp.pid" &
    echo "$! $h" >> "$dir/.servers"
}

# owns HOST ADDRESS
owns() { ipr "$1" -o addr show | grep -q " $2/"; }
