title="DR, the VIP with a mask of /24 on lo"
faults="dr-vip-wide-mask" allowed="rs-silent"
culprit="rs1 rs2" symptoms="syn-unanswered" may="rst-no-socket syn-ack-to-self"
readme="The real servers have the VIP as 203.0.113.8/24 on lo. To them each address of
that prefix is their own: answers to lanclient (203.0.113.50) never leave, those
to client do. Captures of all interfaces show the answers on lo."
look='rs1|ip.dst==203.0.113.50 && tcp.flags.syn==1 && tcp.flags.ack==1|2|the answers to lanclient, on lo.
rs1|ip.src==203.0.113.50 && tcp.flags.reset==1|1|rs1 resets itself.
lanclient|tcp|3|nothing comes back.'

scenario() {
    wide_mask
    capture client lanclient director rs1:any rs2:any
    ask client -n 4
    ask lanclient -n 4
}
