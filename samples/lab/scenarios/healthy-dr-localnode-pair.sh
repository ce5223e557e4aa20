title="DR, two directors that are real servers, healthy"
verdict="healthy"
readme="director balances between itself and director2. director2 has no table of its own
while it is the backup, so it answers what it gets."
look="director2|tcp.flags.syn==1|2|a SYN from director, director2's answer."

scenario() {
    serving_directors
    serve director director2
    capture client router director director2
    ask client
}
