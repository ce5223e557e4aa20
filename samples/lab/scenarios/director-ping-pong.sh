title="DR, two directors that are real servers send connections to each other"
faults="director-ping-pong" culprit="director director2"
symptoms="syn-unanswered" may="routing-loop icmp-unreachable"
readme="director and director2 serve and balance, both with the whole table. What director
gives to director2 is balanced again there and may come back: the packet goes to
and fro until its TTL is used up."

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
    service director2
    # The other one's turn first.
    on director2 ipvsadm -e -t "$vip:$port" -r "${back}2:$rport" -g -w 2
    serve director director2
    capture client router director director2
    ask client -n 4 --timeout 2.5
}
