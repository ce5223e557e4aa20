#!/bin/bash
# run.sh OUT NAME...: runs in the booted kernel, each scenario in a world of its
# own. Leaves OUT/NAME with captures, truth.json, ipvsadm.txt and log.txt.
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export lab
out=$1
shift

# The kernel loads most modules by itself; not these, asked for from inside of a
# namespace.
modules=(
    ip_vs ip_vs_rr ip_vs_wrr ipip ip6_tunnel veth bridge xt_ipvs xt_statistic
    nft_compat nft_chain_nat sch_netem sch_ingress cls_flower act_gact
)
for module in "${modules[@]}"; do modprobe -q "$module" || echo "no module $module"; done
sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1

one() {
    local name=$1 began=$SECONDS
    # In memory first: tcpdump waits for nobody there.
    local dir=/run/lab/$name
    mkdir -p "$dir"
    timeout -k 5 150 bash "$lab/lib/scenario.sh" "$name" "$dir" > "$dir/log.txt" 2>&1
    local status=$?
    clear_away >> "$dir/log.txt" 2>&1
    rm -rf "${out:?}/$name"
    cp -r "$dir" "$out/$name"
    rm -rf "$dir"
    echo "$name: status $status, $((SECONDS - began)) s"
}

# Namespaces take their interfaces, tables and conntrack entries with them.
clear_away() {
    local space
    for space in $(ip netns list | cut -d' ' -f1); do
        ip netns pids "$space" | xargs -r kill -9
        ip netns del "$space"
    done
}

for name in "$@"; do one "$name"; done
echo "all done in $SECONDS s"
