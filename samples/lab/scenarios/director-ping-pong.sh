title="DR, two directors that are real servers send connections to each other"
faults="director-ping-pong" culprit="director director2"
symptoms="syn-unanswered" may="routing-loop icmp-unreachable"
readme="director and director2 serve and balance, both with the whole table. What director
gives to director2 is balanced again there and may come back: the packet goes to
and fro until its TTL is used up."

scenario() {
    serving_directors
    service director2
    # The other one's turn first.
    on director2 ipvsadm -e -t "$vip:$port" -r "${back}2:$rport" -g -w 2
    serve director director2
    capture client router director director2
    ask client -n 4 --timeout 2.5
}
