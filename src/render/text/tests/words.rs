//! How reports read.

use super::super::super::{Style, text};
use super::super::fixtures::{empty, hairpin, healthy, hostile};
use super::at;

#[test]
fn a_hairpin() {
    insta::assert_snapshot!(text(&hairpin(), None, &at(80)), @r"
    FAILING   3 of 6 connections to 203.0.113.8:80 fail, all from 172.16.100.11: the
              balancer hands it to itself.
      6 connections: 3 did well, 3 failed

    203.0.113.8:80/tcp   nat, by director 172.16.100.254 (52:54:00:79:a1:5c)
      real server       connections  did well  failed
      172.16.101.11:80            3         3       0
      172.16.100.11:80            3         0       3  3 reset; the caller itself

      host         addresses      MAC                capture
      client       172.16.100.11  52:54:00:9c:aa:11  rs1
      director     203.0.113.8    52:54:00:79:a1:5c  director
      real server  172.16.101.11  52:54:00:12:00:01  rs2

    where it breaks
      3 connections to 203.0.113.8:80 fail: SYN  rs1 in #45 ✗ (no answer to it, and
      not sent on, in this capture)  [1, 2]
          apart: all 3 that fail are served by 172.16.100.11; of 3 that do well,
          none

     1  critical · certain   l4-self-access-hairpin
        172.16.100.11 called the VIP and was chosen as its own real server.
        The director rewrote the destination and kept the source, so 172.16.100.11
        received a SYN from itself, answered itself over lo, and reset the answer:
        the socket that called expects 203.0.113.8, not 172.16.100.11.
        It fails every time the scheduler picks the caller (here 1 of 2), and works
        every other time.

        affects  3 of 6 connections, all to real server 172.16.100.11:80
                 2026-01-02 03:04:05.123 to 03:04:09.500 UTC
        proof
          rs1 #14       +0.000 ms  out  172.16.100.11:59780 > 203.0.113.8:80 SYN
          director #27  +0.237 ms  out  172.16.100.11:59780 > 172.16.100.11:80 the
                                        same SYN, destination rewritten
          rs1 #15       +0.267 ms  in   it arrives
          rs1 #16       +0.747 ms  lo   SYN-ACK to itself
          rs1 #17       +1.963 ms  lo   RST, no socket for this connection
        fix      on the director, safe:
                   sysctl -w net.ipv4.vs.conntrack=1
                   iptables -t nat -A POSTROUTING -s 172.16.100.11 -d 172.16.100.11 -m ipvs --vaddr 203.0.113.8 -j SNAT --to-source 203.0.113.8
                 undo: the same with -D for -A.
        or maybe nat-return-bypasses-director: there the answer leaves the host;
                 here it stays on lo.
        check    on the director: an entry with the caller on both sides.
                   ipvsadm -Lnc | grep 172.16.100.11
        explains 2 syn-ack-to-self (3 connections): 172.16.100.11 answered itself
                 3 rst-no-socket (3 connections): a SYN-ACK met no socket
        filter   tcp.port in {59780, 48622, 48632}

     4  warning · likely   connection-reset   symptom, no cause found
        a connection was reset mid-way

    captures  rs1, rs2: the last frame is cut short
    clocks    director's clock is 3 h 0 min ahead of rs1's (± 0.20 ms)
              lone: its clock against rs1's is open; do not compare their times
    notes     roles were inferred; --director states one

    checked and clean: 41 · could not check: 1 (--coverage lists them)
    ");
}

#[test]
fn everything_works() {
    insta::assert_snapshot!(text(&healthy(), None, &at(80)), @r"
    HEALTHY   all 6 connections to 203.0.113.8:80 complete, by both real servers.
      6 connections: 6 did well

    203.0.113.8:80/tcp   dr, by director 172.16.100.254 (52:54:00:79:a1:5c)
      real server       connections  did well  failed
      172.16.101.11:80            3         3       0
      172.16.100.11:80            3         3       0

      host         addresses      MAC                capture
      client       172.16.100.11  52:54:00:9c:aa:11  rs1
      director     203.0.113.8    52:54:00:79:a1:5c  director
      real server  172.16.101.11  52:54:00:12:00:01  rs2

    checked and clean: 41 · could not check: 1 (--coverage lists them)
    ");
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!(text(&empty(), None, &at(80)), @r"
    INCONCLUSIVE   no connection through a load balancer in these captures.

    checked and clean: 0 · could not check: 0
    ");
}

#[test]
fn hostile_strings() {
    let mut report = hostile("\x1b[2J\u{202e}x");
    report.findings.truncate(1);
    insta::assert_snapshot!(text(&report, None, &at(80)), @r"
    FAILING   \x1b[2J\u{202e}x
      \x1b[2J\u{202e}x

    \x1b[2J\u{202e}x:80/\x1b[2J\u{202e}x   \x1b[2J\u{202e}x, by director
        \x1b[2J\u{202e}x (\x1b[2J\u{202e}x)
      real server          connections  did well  failed
      \x1b[2J\u{202e}x:80            3         3       0
      \x1b[2J\u{202e}x:80            3         0       3  3 reset;
                                                          \x1b[2J\u{202e}x

      host         addresses         MAC               capture
      client       \x1b[2J\u{202e}x  \x1b[2J\u{202e}x  \x1b[2J\u{202e}x
      director     \x1b[2J\u{202e}x  \x1b[2J\u{202e}x  \x1b[2J\u{202e}x
      real server  \x1b[2J\u{202e}x  \x1b[2J\u{202e}x  \x1b[2J\u{202e}x
      client       \x1b[2J\u{202e}x

    where it breaks
      3 connections to \x1b[2J\u{202e}x suffer: \x1b[2J\u{202e}x  [1, 2]
          apart: \x1b[2J\u{202e}x

     1  critical · certain   \x1b[2J\u{202e}x
        \x1b[2J\u{202e}x
        \x1b[2J\u{202e}x

        affects  3 of 6 connections, all to real server 172.16.100.11:80
                 \x1b[2J\u{202e}x to \x1b[2J\u{202e}x UTC
        proof
          \x1b[2J\u{202e}x #14  +0.000 ms  \x1b[2J…  \x1b[2J\u{202e}x
          \x1b[2J\u{202e}x #27  +0.237 ms  \x1b[2J…  \x1b[2J\u{202e}x
          \x1b[2J\u{202e}x #15  +0.267 ms  \x1b[2J…  \x1b[2J\u{202e}x
          \x1b[2J\u{202e}x #16  +0.747 ms  \x1b[2J…  \x1b[2J\u{202e}x
          \x1b[2J\u{202e}x #17  +1.963 ms  \x1b[2J…  \x1b[2J\u{202e}x
        fix      on \x1b[2J\u{202e}x, safe:
                   \x1b[2J\u{202e}x
                 undo: \x1b[2J\u{202e}x
        or maybe \x1b[2J\u{202e}x: \x1b[2J\u{202e}x
        check    on \x1b[2J\u{202e}x: \x1b[2J\u{202e}x
                   \x1b[2J\u{202e}x
        filter   \x1b[2J\u{202e}x

    captures  \x1b[2J\u{202e}x, \x1b[2J\u{202e}x: \x1b[2J\u{202e}x

    checked and clean: 41 · could not check: 1 (--coverage lists them)
    ");
}

#[test]
fn everything_said() {
    let style = Style { coverage: true, verbose: true, max_evidence: 2, ..at(80) };
    let mut report = hairpin();
    report.coverage.drain(1..41);
    insta::assert_snapshot!(text(&report, None, &style), @r"
    FAILING   3 of 6 connections to 203.0.113.8:80 fail, all from 172.16.100.11: the
              balancer hands it to itself.
      6 connections: 3 did well, 3 failed

    203.0.113.8:80/tcp   nat, by director 172.16.100.254 (52:54:00:79:a1:5c)
      real server       connections  did well  failed
      172.16.101.11:80            3         3       0
      172.16.100.11:80            3         0       3  3 reset; the caller itself

      host         addresses      MAC                capture
      client       172.16.100.11  52:54:00:9c:aa:11  rs1
      director     203.0.113.8    52:54:00:79:a1:5c  director
      real server  172.16.101.11  52:54:00:12:00:01  rs2
      client       198.51.100.7

      client 172.16.100.11: it forwards what comes for the VIP
      director 203.0.113.8: it forwards what comes for the VIP
      real server 172.16.101.11: it forwards what comes for the VIP
      client 198.51.100.7: it forwards what comes for the VIP

    where it breaks
      3 connections to 203.0.113.8:80 fail: SYN  rs1 in #45 ✗ (no answer to it, and
      not sent on, in this capture)  [1, 2]
          apart: all 3 that fail are served by 172.16.100.11; of 3 that do well,
          none

     1  critical · certain   l4-self-access-hairpin
        172.16.100.11 called the VIP and was chosen as its own real server.
        The director rewrote the destination and kept the source, so 172.16.100.11
        received a SYN from itself, answered itself over lo, and reset the answer:
        the socket that called expects 203.0.113.8, not 172.16.100.11.
        It fails every time the scheduler picks the caller (here 1 of 2), and works
        every other time.

        affects  3 of 6 connections, all to real server 172.16.100.11:80
                 2026-01-02 03:04:05.123 to 03:04:09.500 UTC
        proof
          rs1 #14       +0.000 ms  out  172.16.100.11:59780 > 203.0.113.8:80 SYN
          director #27  +0.237 ms  out  172.16.100.11:59780 > 172.16.100.11:80 the
                                        same SYN, destination rewritten
          and 3 more frames (--format json has all)
        fix      on the director, safe:
                   sysctl -w net.ipv4.vs.conntrack=1
                   iptables -t nat -A POSTROUTING -s 172.16.100.11 -d 172.16.100.11 -m ipvs --vaddr 203.0.113.8 -j SNAT --to-source 203.0.113.8
                 undo: the same with -D for -A.
        or maybe nat-return-bypasses-director: there the answer leaves the host;
                 here it stays on lo.
        check    on the director: an entry with the caller on both sides.
                   ipvsadm -Lnc | grep 172.16.100.11
        explains 2 syn-ack-to-self (3 connections): 172.16.100.11 answered itself
                 3 rst-no-socket (3 connections): a SYN-ACK met no socket
        filter   tcp.port in {59780, 48622, 48632}

     2  critical · certain   syn-ack-to-self   symptom, explained by 1
        172.16.100.11 answered itself

        affects  3 connections

     3  critical · certain   rst-no-socket   symptom, explained by 1
        a SYN-ACK met no socket

        affects  3 connections

     4  warning · likely   connection-reset   symptom, no cause found
        a connection was reset mid-way

    connections to 203.0.113.8:80
      client               id  real server       outcome   lasted  finding
      172.16.100.11:59780   1  172.16.100.11:80  reset    1.96 ms  1, 2, 3
      of 6 connections in all

    captures  rs1, rs2: the last frame is cut short
    clocks    rs2's clock is 0.09 ms ahead of rs1's (± 0.20 ms)
              director's clock is 3 h 0 min ahead of rs1's (± 0.20 ms)
              lone: its clock against rs1's is open; do not compare their times
    notes     roles were inferred; --director states one

      detector                status         reason
      l4-self-access-hairpin  found
      mtu-blackhole           not-checkable  no capture on the client; a capture
                                             there with full frames would show it

      clean: detector-0

    checked and clean: 1 · could not check: 1
    ");
}

#[test]
fn explained_symptoms_are_one_line_and_lone_ones_a_block() {
    let out = text(&hairpin(), None, &at(80));
    assert_eq!(out.matches("syn-ack-to-self").count(), 1);
    assert!(out.contains("\n 4  warning · likely   connection-reset   symptom, no cause found\n"));
}

#[test]
fn long_tables_are_counted_not_listed() {
    let mut report = healthy();
    let server = report.services[0].real_servers[0].clone();
    report.services[0].real_servers = vec![server; 33];
    let out = text(&report, None, &at(80));
    assert_eq!(out.matches("172.16.101.11:80").count(), 20);
    assert!(out.contains("and 13 more real servers"));
}

#[test]
fn a_note_of_two_captures_is_said_once() {
    let out = text(&hairpin(), None, &at(80));
    assert!(out.contains("rs1, rs2: the last frame is cut short"));
    assert_eq!(out.matches("cut short").count(), 1);
}
