title="DR, a host with proxy_arp answers for the VIP and is believed"
faults="proxy-arp-or-arp-flux" culprit="vpn"
symptoms="vip-arp-conflict" may="syn-unanswered retransmission arp-unanswered"
readme="As proxy-arp, but vpn answers at once and the router takes its answer: SYNs end at
vpn."
look='router|arp.opcode==2 && arp.src.proto_ipv4==172.16.0.8|2|two answers for the VIP.'

scenario() { proxy_arp 0; }
