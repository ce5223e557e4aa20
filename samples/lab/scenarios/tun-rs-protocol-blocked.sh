title="Tunnel, a firewall on one real server drops IP-in-IP"
faults="tunnel-not-decapsulated|rs-silent" allowed="rp-filter-drop" culprit="rs2"
symptoms="syn-unanswered"
readme="A firewall on rs2 drops protocol 4: the packets arrive on eth0 and nothing comes
out of the tunnel. rs1 shows both, eth0 and tunl0."
look='rs2|tcp.flags.syn==1|2|packets in the tunnel, and nothing out of it.
rs1|tcp.flags.syn==1|3|rs1 shows the packet twice, then its answer.'

scenario() {
    world_tun
    on rs2 iptables -A INPUT -p 4 -j DROP
    service director
    serve rs1 rs2
    capture client director rs1:any rs2:any
    ask client -n 4
}
