title="UDP, a real server is removed under a client that goes on"
faults="backend-removed-silent-drop" allowed="udp-stale-entry"
culprit="director rs1 rs2" may=""
readme="The real server of a client port is taken out of the service. Its entry stays, and
the director drops what comes for it without a word; other ports are served."
look='director|udp.srcport==40000 && frame.time_relative>5|3|datagrams come in, none leaves.'

scenario() {
    stuck_port removed
}

removed() {
    unserve director "$1"
}
