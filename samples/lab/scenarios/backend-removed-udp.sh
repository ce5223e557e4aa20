title="UDP, a real server is removed under a client that goes on"
faults="backend-removed-silent-drop" allowed="udp-stale-entry"
culprit="director rs1 rs2" may=""
readme="The real server of a client port is taken out of the service. Its entry stays, and
the director drops what comes for it without a word; other ports are served."
look='director|udp.srcport==40000 && frame.time_relative>5|3|datagrams come in, none leaves.'

scenario() {
    protocol=udp port=5300
    world_nat
    service director udp
    serve rs1 rs2 -- --udp
    capture client director rs1 rs2
    ask client -n 1 --udp --source-port 40000 --requests 12 --pause 0.5 --timeout 0.5 &
    sleep 3
    local gone
    gone=$(on director ipvsadm -lnc | awk '/:40000/ { sub(/:.*/, "", $6); print $6 }')
    unserve director "$gone"
    ask client -n 4 --udp --gap 0.5
    wait %%
}
