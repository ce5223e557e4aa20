title="DR, two directors that are real servers, healthy"
verdict="healthy"
readme="director balances between itself and director2. director2 has no table of its own
while it is the backup, so it answers what it gets."
look="director2|tcp.flags.syn==1|2|a SYN from director, director2's answer."

scenario() {
    addresses
    vip=${back}8 mode=dr
    outside back
    local n h
    rs_list=("director=${back}2" "director2=${back}3")
    for n in 2 3; do
        h=director
        if [ $n = 3 ]; then h=director2; fi
        host $h
        nic $h eth0 back "${back}$n/$len"
        via $h "${back}1"
    done
    add director eth0 "$vip/$full"
    quiet director2
    add director2 lo "$vip/$full"
    service director
    serve director director2
    capture client router director director2
    ask client
}
