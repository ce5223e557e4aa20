//! Lines by themselves: one packet in all spellings, times, what is not printed, and what is hostile.

use crate::support::run::run_paths;
use lbdiag::capture::{self, Known, Source};
use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;

struct Read {
    times: Vec<i64>,
    /// Link type, length on the wire, what is known, and the bytes.
    frames: Vec<(u16, u32, Known, Vec<u8>)>,
    interfaces: Vec<Option<String>>,
    damage: Vec<String>,
}

fn read(text: &str) -> Result<Read, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paste.txt");
    std::fs::write(&path, text).unwrap();
    let (mut frames, mut times) = (Vec::new(), Vec::new());
    let mut sink = |frame: &capture::Frame<'_>| {
        times.push(frame.time.0);
        frames.push((frame.link_type.0, frame.wire_len, frame.known, frame.data.to_vec()));
    };
    let file = capture::read(&Source::Path(path), &AtomicU64::new(0), &mut sink)
        .map_err(|e| e.to_string())?;
    let damage = file.damage.into_iter().map(|d| d.what).collect();
    let interfaces = file.interfaces.into_iter().map(|i| i.name).collect();
    Ok(Read { times, frames, interfaces, damage })
}

/// The bytes of TCP, behind an IPv4 header without a link header.
fn tcp(frame: &(u16, u32, Known, Vec<u8>)) -> &[u8] {
    assert_eq!(frame.0, 101);
    &frame.3[20..]
}

const SYN: &str = "Flags [S], seq 1323099669, win 64240, options [mss 1460,sackOK,TS val 42910984 ecr 0,nop,wscale 7], length 0";

#[test]
fn one_packet_in_all_spellings_is_one_packet() {
    let plain = format!("07:41:51.283321 IP 172.16.100.11.59772 > 203.0.113.8.80: {SYN}\n");
    let wanted = read(&plain).unwrap();
    assert_eq!(wanted.frames.len(), 1);
    let old = "07:41:51.283321 172.16.100.11.59772 > 203.0.113.8.80: S 1323099669:1323099669(0) win 64240 <mss 1460,sackOK,timestamp 42910984 0,nop,wscale 7> (DF)\n";
    let spellings = [
        plain.replace('\n', "\r\n"),
        format!("> {plain}"),
        plain.replace('>', "&gt;"),
        plain.replace('>', "\u{ff1e}").replace(':', "\u{ff1a}"),
        format!("   {plain}"),
        format!("  1  {plain}"),
        plain.replace(".80:", ".http:"),
        plain.replace("win", "\nwin"),
        plain.replace("seq 13", "seq\n13").replace("length", "lengt\nh"),
        plain.replace("sackOK", "sac\nkOK"),
        plain.replace("172.16.100.11", "172.16.\n100.11"),
        format!(
            "$ sudo tcpdump -nn\nlistening on eth0, link-type EN10MB\n{plain}^C\n1 packet captured\n"
        ),
        format!("```\n{plain}```\n"),
        format!("the client sends:\n{plain}\nand nothing comes back\n"),
        plain.trim_end().to_owned(),
    ];
    for text in spellings {
        let got = read(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((got.frames.len(), got.damage.len()), (1, 0), "{text}");
        assert_eq!(got.frames[0].3, wanted.frames[0].3, "{text}");
        assert_eq!(got.times, wanted.times, "{text}");
    }
    // Written from what version 3 is known to print; none was at hand.
    let got = read(old).unwrap();
    assert_eq!(tcp(&got.frames[0]), tcp(&wanted.frames[0]));
}

#[test]
fn what_is_not_printed_is_not_known() {
    let known = |text: &str| read(text).unwrap().frames[0].2;
    let bare = known(&format!("07:41:51.283321 IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}"));
    assert!(bare.has(Known::SEQ.and(Known::TIME).and(Known::WINDOW)));
    assert!(!bare.has(Known::TTL) && !bare.has(Known::ID) && !bare.has(Known::SUM));
    let v = known(&format!(
        "IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 60)\n    10.0.0.1.5000 > 10.0.0.2.80: {SYN}"
    ));
    assert!(v.has(Known::TTL.and(Known::ID)) && !v.has(Known::TIME));
    let arp = known("ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28");
    assert!(!arp.has(Known::ARP_SENDER) && !arp.has(Known::SRC_MAC));
    let dump = "12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: x\n\t0x0000:  4500 0028 0007 4000 4006 0000 0a00 0001\n\t0x0010:  0a00 0002 0050 005a 0000 0001 0000 0000\n\t0x0020:  5002 ffff 0000 0000\n";
    let macs = Known::SRC_MAC.and(Known::DST_MAC);
    assert_eq!(known(dump), Known::ALL.without(macs));
}

#[test]
fn several_captures_in_one_paste_are_several() {
    let line = |time: &str| format!("{time} IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n");
    let text = format!(
        "[root@client ~]# tcpdump -nn -i eth0\n{}{}\n[root@lb1 ~]# tcpdump -nn -i eth0\n{}",
        line("12:00:00.000001"),
        line("12:00:01.000001"),
        line("12:00:00.000101")
    );
    let got = read(&text).unwrap();
    let names: Vec<&str> = got.interfaces.iter().flatten().map(String::as_str).collect();
    assert_eq!((names, got.frames.len()), (vec!["client", "lb1"], 3));
    let headed = format!(
        "On the client:\n{}{}\nOn the director:\n{}",
        line("12:00:00.000001"),
        line("12:00:01.000001"),
        line("12:00:00.000101")
    );
    let got = read(&headed).unwrap();
    assert_eq!(got.interfaces.len(), 2);
    assert_eq!(got.interfaces[1].as_deref(), Some("On-the-director"));
}

#[test]
fn what_cannot_be_read_is_told_by_its_line() {
    let good = format!("12:00:00.000001 IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n");
    let got = read(&format!("{good}12:00:00.000002 IP 10.0.0.1.5000 >\n\n{good}")).unwrap();
    assert_eq!(got.frames.len(), 2);
    assert_eq!(got.damage.len(), 1);
    assert!(got.damage[0].starts_with("line 2 is not understood"), "{:?}", got.damage);
    let error = read("dear all,\nit does not work\n").err().unwrap();
    assert!(error.contains("a line that can be read looks like this"), "{error}");
    assert!(error.contains("Flags [S], seq"), "{error}");
}

#[test]
fn times_are_read_in_all_forms() {
    let times = |stamps: [&str; 4]| {
        let line = |stamp| format!("{stamp} IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n");
        read(&stamps.map(line).concat()).unwrap().times
    };
    let second = 1_000_000_000;
    assert_eq!(
        times(["00:00:00.000000", "00:00:01.000000", "00:00:00.500000", "00:00:02.000000"]),
        [0, second, second + second / 2, 3 * second + second / 2],
        "differences"
    );
    assert_eq!(
        times(["23:59:59.000000", "23:59:59.500000", "00:00:00.500000", "00:00:01.000000"])[2],
        86_400 * second + second / 2,
        "midnight"
    );
    assert_eq!(
        times(["1700000000.5", "1700000001.5", "1700000002.5", "1700000003.5"])[1],
        1_700_000_001_500_000_000
    );
}

/// Numbers at the end of their range, midnights without end, tabs, a line without end.
#[test]
fn hostile_texts_are_read() {
    let mut text = String::new();
    for n in 0..400_000 {
        let time = if n % 2 == 0 { "23:59:59.9" } else { "00:00:00.1" };
        let _ =
            writeln!(text, "{time} IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 1, win 1, length 0");
    }
    let got = read(&text).unwrap();
    assert_eq!(got.frames.len(), 400_000);
    let lengths = "12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [FS.], seq 0:4294967295, ack 4294967295, win 65535, length 4294967295\n";
    assert_eq!(read(lengths).unwrap().frames.len(), 1);
    let tabs = "12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [P.], sEq 1\n\t\n\t\n\tx\n\t\n12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 1, win 1, length 0\n";
    assert!(read(tabs).is_ok());
    let endless = format!("{}\n{SYN_LINE}", "IP 1.1.1.1 > ".repeat(20_000));
    assert_eq!(read(&endless).unwrap().frames.len(), 1, "the line behind it is read");
}

const SYN_LINE: &str = "12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 1, win 1, length 0\n";

/// Any cut, any broken byte: no panic, and no more packets than lines.
#[test]
fn any_byte_of_a_text_may_be_wrong() {
    let text = format!(
        "12:00:00.000001 eth0  In  IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 60)\n    10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n12:00:00.1 IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 tcp port 80 unreachable, length 68\n12:00:00.2 ARP, Request who-has 10.0.0.1 (52:54:00:00:00:01) tell 10.0.0.2, length 28\n\t0x0000:  0001 0800 0604 0001\n12:00:00.3 IP 10.0.8.11.5 > 10.0.8.12.4789: VXLAN, flags [I] (0x08), vni 4096\nIP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n    1   0.0 10.0.0.1 \u{2192} 10.0.0.2 TCP 74 5 \u{2192} 80 [SYN] Seq=0 Win=5 Len=0 MSS=1460\n12:00:00.4 IP6 fe80::1 > ff02::1: ICMP6, neighbor advertisement, tgt is fe80::1, length 32\n12:00:00.5 IP 10.0.0.1 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, authtype none, intvl 1s, length 20, addrs: 10.0.0.8\n"
    );
    let bytes = text.as_bytes();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let mut frames = 0;
        let mut sink = |frame: &capture::Frame<'_>| {
            frames += 1;
            let _ = lbdiag::wire::decode(frame);
        };
        let _ = capture::read(&Source::Path(path.clone()), &AtomicU64::new(0), &mut sink);
        assert!(frames <= 12);
    };
    for cut in 0..bytes.len() {
        check(&bytes[..cut]);
    }
    for at in 0..bytes.len() {
        for byte in [b'0', b'9', b' ', b'\n', b'(', b'[', b':', b'.', 0xff] {
            let mut wrong = bytes.to_vec();
            wrong[at] = byte;
            check(&wrong);
        }
    }
}

/// Somebody left lines out: none of those before and after is lost, and no capture is said to have
/// dropped them.
#[test]
fn what_a_person_left_out_is_no_loss_of_the_capture() {
    let syn = SYN.replace("seq 1323099669", "seq 100");
    for mark in ["...", "[...]", " ... ", "<snip>", "(omitted)", "\u{2026}"] {
        let text = format!(
            "12:00:00.000001 IP 10.0.0.1.5000 > 10.0.0.2.80: {syn}\n12:00:00.000100 IP 10.0.0.2.80 > 10.0.0.1.5000: Flags [S.], seq 900, ack 101, win 64240, options [mss 1460], length 0\n12:00:00.000200 IP 10.0.0.1.5000 > 10.0.0.2.80: Flags [P.], seq 1:101, ack 1, win 502, length 100\n{mark}\n12:00:00.300000 IP 10.0.0.2.80 > 10.0.0.1.5000: Flags [P.], seq 9001:9101, ack 101, win 502, length 100\n12:00:00.300100 IP 10.0.0.1.5000 > 10.0.0.2.80: Flags [.], ack 9101, win 502, length 0\n"
        );
        let got = read(&text).unwrap();
        assert_eq!((got.frames.len(), got.damage.len()), (5, 0), "{mark}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("paste");
        std::fs::write(&path, &text).unwrap();
        let report = run_paths(&[path]).report;
        let notes: Vec<&String> = report.captures.iter().flat_map(|c| &c.notes).collect();
        assert!(notes.iter().any(|n| n.contains("the text leaves frames out")), "{notes:?}");
        assert!(!notes.iter().any(|n| n.contains("the capture dropped frames")), "{notes:?}");
    }
}
