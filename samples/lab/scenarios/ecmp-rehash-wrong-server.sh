title="DR, the router's choice of director changes under connections"
faults="ecmp-rehash-wrong-server" allowed="director-no-entry-rst rs-lost-socket"
culprit="router director2 rs1 rs2" symptoms="rst-no-socket" may="connection-reset"
readme="The router sends the VIP to director, then to director2. director2 does not know
the connections but takes them (sloppy_tcp) and schedules them anew: those that
land on the other real server are reset by it."
look='director2|tcp.flags.syn==0 && tcp.len>0|1|a request that director2 has no entry for.'

scenario() {
    world_dr_routed
    host director2
    router director2
    nic director2 eth0 edge "${edge}3/$len"
    nic director2 eth1 back "${back}3/$len"
    add director2 eth0 "$vip/$full"
    via director2 "${edge}1"
    at director2 net.ipv4.vs.sloppy_tcp=1
    service director
    service director2
    serve rs1 rs2
    capture client router director director2 rs1 rs2
    # Three connections, then director2 begins with the server that they are not on.
    ask client -n 3 --requests 3 --pause 1.5 &
    sleep 2.5
    ipr router route replace "$vip/32" via "${edge}3"
    wait $!
    ask client -n 2
}
