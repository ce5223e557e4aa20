title="DR, a host with proxy_arp answers for the VIP"
faults="proxy-arp-or-arp-flux" culprit="vpn"
symptoms="vip-arp-conflict" may="syn-unanswered retransmission arp-unanswered"
readme="vpn has proxy_arp and a route to 172.16.0.0/28 on its other side: it answers for
the VIP, the director and the real servers alike. Its answer comes second and is not
taken, so the connections work for now."
look='router|arp.opcode==2 && arp.src.proto_ipv4==172.16.0.8|2|two answers for the VIP.
director|arp.opcode==2 && arp.src.proto_ipv4==172.16.0.11|2|two for rs1, one of them from the same MAC.'

scenario() { proxy_arp 30; }
