//! How ladders look.

use super::super::super::ladder;
use super::super::fixtures::ladders::{five_ladder, hairpin_ladder, pair_ladder};
use super::at;

#[test]
fn three_hosts() {
    insta::assert_snapshot!(ladder(&hairpin_ladder(), &at(80)), @r"
    The first of them, 172.16.100.11:59780

        172.16.100.11           203.0.113.8           172.16.100.11
           client                director        real server (the same host)
              │                      │                      │
     *   0.00 ├─── SYN 59780 > 80 ──▸│                      │  rs1 #14
        ≈0.27 │                      ├─── SYN 59780 > 80 ──▸│  rs1 #14
              │                      │ └ 203.0.113.8 > 172.16.100.11
     *   0.75 │◂───────────── SYN-ACK, over lo ─────────────┤  rs1 #14
              │                      │ └ never passes the director
         1.96 ├────────────── RST, no socket ──────────────▸│  rs1 #14
              ┊               … 12 packets …                ┊
         1.96 │                      │               gone ╭─┤  rs1 #14
              │                      │                    ╰▸│
              │      the client tries again after 1 s       │
       1.00 s ├── SYN again ──✗      │                      │  rs1 #14
       3.00 s ├─╮ gives up           │                      │  rs1 #14
              │◂╯                    │                      │
      ms since the first packet; clocks of rs1 and director agree within 0.2 ms
      * a frame of the proof  ·  ≈ its order to the step before is not certain
    ");
}

#[test]
fn three_hosts_on_a_wide_terminal() {
    insta::assert_snapshot!(ladder(&hairpin_ladder(), &at(120)), @r"
    The first of them, 172.16.100.11:59780

        172.16.100.11           203.0.113.8           172.16.100.11
           client                director        real server (the same host)
              │                      │                      │
     *   0.00 ├─── SYN 59780 > 80 ──▸│                      │  rs1 #14
        ≈0.27 │                      ├─── SYN 59780 > 80 ──▸│  rs1 #14   203.0.113.8 > 172.16.100.11
     *   0.75 │◂───────────── SYN-ACK, over lo ─────────────┤  rs1 #14   never passes the director
         1.96 ├────────────── RST, no socket ──────────────▸│  rs1 #14
              ┊               … 12 packets …                ┊
         1.96 │                      │               gone ╭─┤  rs1 #14
              │                      │                    ╰▸│
              │      the client tries again after 1 s       │
       1.00 s ├── SYN again ──✗      │                      │  rs1 #14
       3.00 s ├─╮ gives up           │                      │  rs1 #14
              │◂╯                    │                      │
      ms since the first packet; clocks of rs1 and director agree within 0.2 ms  ·  * a frame of the proof
      ≈ its order to the step before is not certain
    ");
}

#[test]
fn five_hosts() {
    insta::assert_snapshot!(ladder(&five_ladder(), &at(80)), @r"
    Connection 9, [2001:db8::1:2:3:4]:40022

                    192.168.100.254            52:54:00:12:00:01
     2001:db8:0:1:2:3:4:5         172.16.100.254               172.16.100.11
          client        router       director       router      real server
             │             │             │             │             │
             │ SYN 40022>80│             │             │             │
        0.00 ├────────────▸│             │             │             │  rs1 #14
             │             │ SYN 40022>80│             │             │
        0.04 │             ├────────────▸│             │             │  rs1 #14
             │             │             │ SYN 40022>80│             │
        0.09 │             │             ├────────────▸│             │  director #27
             │             │ └ rs1 #3   to 52:54:00:12:00:01 from 52:54:00:79:a1:5c
        0.13 │             │             │             ├──── SYN ───▸│  rs1 #14
        0.20 │◂─────────── SYN-ACK 80 > 40022 seq 0 ack 1 ───────────┤  rs1 #14
        0.40 │             │             │             ├── ACK ─✗    │  rs1 #14
        0.50 │             │             │           SYN-ACK again ╭─┤  rs1 #14
             │             │             │             │           ╰▸│
        0.60 │             │             │       ✗─────── RST ───────┤  rs1 #14
      ms since the first packet, all clocks agree within 0.05 ms
    ");
}

#[test]
fn two_hosts() {
    insta::assert_snapshot!(ladder(&pair_ladder(), &at(80)), @r"
    Connection 1, 198.51.100.7:40022

        198.51.100.7                   203.0.113.8
           client                       director
              │                             │
         0.00 ├────── SYN 40022 > 443 ─────▸│  rs1 #14
        31.20 │◂────────── SYN-ACK ─────────┤  rs1 #14
        31.25 ├──────────── ACK ───────────▸│  rs1 #14
     *  32.00 ├── seq 1 len 1448 ──✗        │  rs1 #14
              │ └ seen leaving, never seen arriving; the path's MTU is 1400
       233.00 ├─ seq 1 len 1448, again ─✗   │  rs1 #14
      ms since the first packet  ·  * a frame of the proof
    ");
}

#[test]
fn more_hosts_than_fit_are_listed() {
    insta::assert_snapshot!(ladder(&five_ladder(), &at(40)), @r"
    Connection 9, [2001:db8::1:2:3:4]:40022

       0.00  2001:db8:0:1:2:3:4:5 ▸
             192.168.100.254   SYN 40022 >
             80   rs1 #14
       0.04  192.168.100.254 ▸
             172.16.100.254   SYN 40022 > 80
             rs1 #14
       0.09  172.16.100.254 ▸
             52:54:00:12:00:01   SYN 40022 >
             80   director #27   rs1 #3   to
             52:54:00:12:00:01 from
             52:54:00:79:a1:5c
       0.13  52:54:00:12:00:01 ▸
             172.16.100.11   SYN   rs1 #14
       0.20  172.16.100.11 ▸
             2001:db8:0:1:2:3:4:5   SYN-ACK
             80 > 40022 seq 0 ack 1   rs1
             #14
       0.40  52:54:00:12:00:01 ─✗
             172.16.100.11   ACK   (lost)
             rs1 #14
       0.50  172.16.100.11 ⟲   SYN-ACK again
             rs1 #14
       0.60  172.16.100.11 ─✗ 172.16.100.254
             RST   (lost)   rs1 #14
      ms since the first packet, all clocks
      agree within 0.05 ms
    ");
}
