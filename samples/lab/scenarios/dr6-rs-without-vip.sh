title="DR over IPv6, a real server without the VIP"
faults="rs-missing-vip|rs-silent" culprit="rs2"
symptoms="syn-unanswered" may="retransmission"
readme="rs2 has no VIP on lo: what comes for it is not for rs2, and it is no router."
look='rs2|tcp.flags.syn==1|3|SYNs arrive, nothing answers.'

scenario() {
    family=6
    world_dr
    ipr rs2 addr del "$vip/128" dev lo
    service director
    serve rs1 rs2
    capture client director rs1 rs2
    ask client -n 4
}
