# Servers and clients.

server_pids=()

# serve RS... [-- OPTION...]: an HTTP server each; options as in server.py.
serve() {
    local list=() h
    while [ $# -gt 0 ] && [ "$1" != -- ]; do list+=("$1"); shift; done
    if [ "${1:-}" = -- ]; then shift; fi
    for h in "${list[@]}"; do
        spawn "$h" /usr/bin/python3 "$lab/lib/server.py" --name "$h" --port "$rport" \
            --log "$dir/.served" "$@"
        echo "$! $h" >> "$dir/.servers"
    done
    for h in "${list[@]}"; do wait_for 20 listening "$h"; done
}

# listening HOST [PORT]
listening() { on "$1" ss -Hltun "sport = :${2:-$rport}" | grep -q .; }

# stop_servers HOST
stop_servers() {
    if [ ! -e "$dir/.servers" ]; then return; fi
    awk -v h="$1" '$2 == h { print $1 }' "$dir/.servers" | xargs -r kill 2>/dev/null || true
}

# ask HOST [OPTION...]: connections to the service; options as in client.py.
ask() {
    local h=$1
    shift
    on "$h" /usr/bin/python3 "$lab/lib/client.py" --host "$h" --to "$vip" --port "$port" \
        --log "$dir/.clients" "$@"
}
