# Layer-7 proxies on the director.

# haproxy_on HOST FILE-NAME < CONFIG: with ordinary timeouts in front of it.
haproxy_on() {
    local file=$dir/.$2.cfg
    {
        printf 'defaults\n mode http\n timeout connect 3s\n timeout client 10s\n timeout server 10s\n retries 1\n'
        cat
    } > "$file"
    spawn "$1" haproxy -db -f "$file"
    echo "$! $1" >> "$dir/.servers"
}

# haproxy_pool [SERVER-OPTION...]: the usual listener on $vip:$port.
haproxy_pool() {
    local server
    echo "listen l"
    echo " bind $vip:$port"
    echo " balance roundrobin"
    for server in "${rs_list[@]}"; do echo " server ${server%=*} ${server#*=}:$rport $*"; done
}

# nginx_on HOST FILE-NAME < CONFIG: what is inside of http {}.
nginx_on() {
    local file=$dir/.$2.conf
    {
        printf 'daemon off; pid %s/.%s.pid; error_log stderr; events {}\nhttp { access_log off;\n' "$dir" "$2"
        cat
        echo '}'
    } > "$file"
    spawn "$1" nginx -p /run -c "$file"
    echo "$! $1" >> "$dir/.servers"
}

# transparent HOST: answers to addresses that a proxy there borrowed reach it.
transparent() {
    on "$1" iptables -t mangle -A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1
    ipr "$1" rule add fwmark 1 lookup 100
    ipr "$1" route add local 0.0.0.0/0 dev lo table 100
}

# nginx_pool: the usual server on $vip:$port.
nginx_pool() {
    local server
    echo "upstream pool {"
    for server in "${rs_list[@]}"; do echo " server ${server#*=}:$rport;"; done
    echo "}"
    echo "server { listen $vip:$port; location / { proxy_pass http://pool; } }"
}
