title="DR, the VIP with a mask of /24 on lo, captured on eth0"
faults="dr-vip-wide-mask" allowed="rs-silent"
culprit="rs1 rs2" symptoms="syn-unanswered"
readme="As dr-vip-wide-mask, without the real servers' lo: they get the SYNs of lanclient
and are silent, while client is served."
look="rs2|ip.src==203.0.113.50 && tcp.flags.syn==1|2|SYNs of lanclient without an answer.
rs2|ip.dst==188.88.88.10 && tcp.flags.syn==1|1|one to client, which is not in the VIP's prefix."

scenario() {
    wide_mask
    capture client lanclient director rs1 rs2
    ask client -n 4
    ask lanclient -n 4
}
