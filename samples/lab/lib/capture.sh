# tcpdump on hosts, and what the truth is.

captures=()
snaplen=262144

# capture HOST[:IF]...: all NICs where it has several (then as cooked frames),
# else its only one.
capture() {
    local spec h i
    for spec in "$@"; do
        h=${spec%%:*} i=${spec#*:}
        if [ "$i" = "$spec" ]; then
            i=eth0
            if [ "$(grep -c "^$h " "$dir/.hosts")" -gt 1 ]; then i=any; fi
        fi
        spawn "$h" tcpdump -Z root -U --immediate-mode -n -s "$snaplen" -i "$i" -w "$dir/$h.pcap" 2> "$dir/.$h.err"
        captures+=($!)
    done
    for spec in "$@"; do wait_for 10 grep -q "listening on" "$dir/.${spec%%:*}.err"; done
}

stop_captures() {
    # What is on its way is still recorded.
    sleep 0.5
    kill "${captures[@]}"
    wait "${captures[@]}" || true
}

# write_truth: truth.json and ipvsadm.txt.
write_truth() {
    local h
    for h in "${hosts[@]}"; do
        case $h in
            director*) {
                on "$h" ipvsadm -Sn
                echo
                on "$h" ipvsadm -ln
                echo
                on "$h" ipvsadm -lnc
            } > "$dir/ipvsadm${h#director}.txt" ;;
        esac
        stop_servers "$h"
    done
    export name title readme look faults allowed info culprit symptoms may verdict mode vip port rport protocol
    export servers="${rs_list[*]}"
    /usr/bin/python3 "$lab/lib/truth.py" "$dir"
}
