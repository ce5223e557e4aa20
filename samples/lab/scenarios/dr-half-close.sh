title="DR, the director forgets a connection that the client has half closed"
faults="dr-half-close-120s" allowed="director-no-entry-rst lb-idle-timeout" culprit="director"
symptoms="rst-no-socket" may="connection-reset retransmission"
readme="The client closes its side with the request, the server answers 6 s later. To the
director, which sees only the client, that is FIN_WAIT, here 3 s instead of 120: it
has no entry for the client's acknowledgment of the answer and resets it."
look='director|tcp.flags.fin==1|1|the client closes its side,
client|tcp.len>0 && tcp.srcport==80|1|the answer comes late,
director|tcp.flags.reset==1|1|and the director resets its acknowledgment.'

scenario() { half_closed 3; }
