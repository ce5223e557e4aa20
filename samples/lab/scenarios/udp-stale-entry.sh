title="UDP, one client port stays with a dead real server"
faults="udp-stale-entry" allowed="rs-unreachable"
culprit="rs1 rs2 director" may="icmp-unreachable arp-unanswered"
readme="A client asks from one port all the time. Its real server leaves the wire, and
its weight becomes 0: new ports go to the other one, but the entry of this port
lives for as long as the client asks."
look='director|ip.src==188.88.88.10 && udp.srcport==40000 && frame.time_relative>5|3|datagrams from port 40000.'

scenario() {
    stuck_port dies
}

# As after a health check: off the wire, and nothing new for it.
dies() {
    ipr "rs${1##*1}" link set eth0 down
    weigh director "$1" 0
}
