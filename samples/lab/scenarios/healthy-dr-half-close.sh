title="DR, clients close their side first, healthy"
verdict="healthy"
readme="The client closes its side with the request, the server answers 6 s later, and the
director still knows the connection."
look='client|tcp.flags.fin==1|1|the client closes its side,
client|tcp.len>0 && tcp.srcport==80|1|the answer comes late.'

scenario() { half_closed 120; }
