title="DR, a real server resets a connection in its own name"
faults="dsr-rst-from-rip" allowed="rs-lost-socket" culprit="rs1 rs2"
symptoms="retransmission" may="rst-no-socket"
readme="The servers are killed and started again under kept connections. Their RSTs are not
translated back: they leave with the real server's own address, so the client does
not take them for its connection and sends its request again and again."
look='rs1|tcp.flags.reset==1 && ip.src==172.16.0.11|2|RSTs with the real server as source.
client|tcp.flags.reset==1|2|they arrive at the client, which goes on.'

scenario() {
    local n pid
    world_dr
    service director
    serve rs1 rs2
    for n in 1 2; do
        on rs$n nft -f - <<RULES
table ip lab {
    chain raw {
        type filter hook output priority raw;
        ip saddr $vip tcp flags & rst == rst notrack ip saddr set ${back}1$n
    }
}
RULES
    done
    capture client director rs1 rs2
    ask client -n 4 --requests 2 --pause 4 --timeout 4 &
    pid=$!
    sleep 3
    # The sockets go without a word.
    for n in 1 2; do
        on rs$n iptables -A OUTPUT -p tcp -j DROP
        stop_servers rs$n
    done
    sleep 0.5
    for n in 1 2; do on rs$n iptables -F OUTPUT; done
    wait $pid
}
