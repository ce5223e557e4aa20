//! What tcpdump and tshark print, as a capture: people paste text more often than they attach
//! files.
//!
//! A text is read line by line. [`clean`] takes off what mail, web pages and terminals did to a
//! line; [`start`] finds where a packet begins; [`record`] puts the lines of one together again,
//! wherever they were broken; [`packet`] and what it calls ([`network`], [`tcp`], [`udp`], [`icmp`],
//! [`arp`], [`vrrp`]) read what tcpdump 3.4 to 4.99 prints with any of its options, [`tshark`] what
//! tshark and Wireshark print, [`fortigate`] a firewall's sniffer, [`hex`] their dumps. [`quote`] finds
//! the packet that an ICMP error is about, [`numbers`] turns relative sequence numbers
//! into those of the wire, [`clock`] times of day into moments. [`build`] makes a frame of it: as
//! many bytes as are told, and [`Known`], which says which of its fields are known. What is not
//! printed is unknown, never zero.
//!
//! Frames are numbered by the place of their packet in the text. What begins as a packet and cannot
//! be read is told by its line and loses nothing else; lines between packets are passed over.
//! Several captures in one text, told by `listening on`, by a command, or by a heading behind
//! which time begins anew, are interfaces of one file.
//!
//! Refused: to guess. A text without one packet is an error that says what a line looks like.

mod anchor;
mod arp;
mod ascii;
mod aside;
mod build;
mod clean;
mod clock;
mod columns;
mod dns;
mod ends;
mod ether;
mod fields;
mod forms;
mod fortigate;
mod hex;
mod icmp;
mod joined;
mod listed;
mod logged;
mod network;
mod numbers;
mod open;
mod options;
mod outer;
mod packet;
mod quote;
mod record;
mod scan;
mod sctp;
mod sections;
mod services;
mod shown;
mod stamp;
mod start;
mod tcp;
mod tshark;
mod udp;
mod verbose;
mod vrrp;
mod walk;

pub use aside::Aside;
pub(super) use clock::Timing;
pub use forms::Form;
pub(super) use walk::{Lines, walk};

use super::Known;
use super::source::ReadBuffer;
use shown::{Shown, Stamp};

/// How the note begins that lists names of hosts.
pub const NAMES: &str = "it prints names in place of addresses";

/// Bytes that the look at a text takes in.
const LOOK: usize = 256 << 10;
/// Times that the look takes in.
const STAMPS: usize = 4096;
/// Lines in which a form is looked for where there is no packet.
const FORM_LINES: usize = 4096;
/// Ranges of lines that are told one by one.
const RANGES: usize = 8;

/// What a text does not print, and what else is to be said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Packets without hardware addresses (`-e`).
    pub without_macs: u64,
    /// Packets without TTL and identification (`-v`).
    pub without_ttl: u64,
    /// TCP segments without flags and numbers (`-q`).
    pub quiet: u64,
    /// TCP segments whose numbers count from a beginning that the text does not show.
    pub counted: u64,
    /// Packets without a time (`-t`).
    pub without_time: u64,
    /// Packets with a time and no date.
    pub without_date: u64,
    /// Packets whose bytes are printed too (`-x`).
    pub dumped: u64,
    /// Packets that were read.
    pub packets: u64,
    /// What began as a packet and could not be read.
    pub unread: u64,
    /// Lines of the text.
    pub lines: u64,
    /// Lines that are no packets; the first ranges of them.
    pub passed: Vec<(u64, u64)>,
    /// How many lines those are, all of them.
    pub passed_lines: u64,
    /// Names of hosts whose addresses are not printed. The first stands as 240.0.0.1, and so on.
    pub names: Vec<String>,
    /// Names of services whose ports no table here has. Port 1020 stands for the first, and so on
    /// downwards.
    pub services: Vec<String>,
    /// Names of network interfaces that its lines print (`-i any`).
    pub devices: Vec<String>,
    /// Packets of a protocol over UDP whose ports are not printed (tshark's lines of DNS).
    pub portless: u64,
    /// Questions and answers of DNS whose ports are not printed, and others stand for them.
    pub port_stand_ins: u64,
    /// Packets that pf's log says were blocked, and by which rules, the first of them.
    pub blocked: u64,
    /// Those rules.
    pub blocked_by: Vec<String>,
    /// Lines of forms that are not read as packets: the form, its first line, how many.
    pub forms: Vec<(Form, u64, u64)>,
    /// What stands between the packets: what hosts say of themselves may be among it.
    pub aside: Aside,
}

impl Facts {
    /// What a reader has to know of it, a sentence each; `dated` where another capture gave the
    /// date.
    pub fn note(&self, dated: bool, notes: &mut Vec<String>) {
        let mut say = |n: u64, what: &str| {
            if n > 0 {
                let who = if n == self.packets {
                    "its lines".to_owned()
                } else {
                    format!("{n} of its lines")
                };
                notes.push(format!("{who} {what}"));
            }
        };
        say(
            self.without_macs,
            "print no hardware addresses (tcpdump -e), so who sent and who forwarded is not told",
        );
        say(
            self.without_ttl,
            "print no TTL and no identification (tcpdump -v), so copies and hops are told less well",
        );
        say(
            self.quiet,
            "print neither TCP flags nor numbers (tcpdump -q), so nothing is told of their connections; print them without -q",
        );
        say(
            self.counted,
            "count sequence numbers from a beginning that is not there (tcpdump -S prints them whole), so they tie with no other capture",
        );
        say(
            self.without_time,
            "have no time (they were printed with -t), so nothing is told of how long anything took",
        );
        say(
            self.portless,
            "are of what UDP carries, without its ports (tshark's lines of DNS and the like), so nothing is told of them; tshark -V, -x or columns of the ports print them",
        );
        say(
            self.port_stand_ins,
            "are of DNS without its ports (tshark): 53 stands for the server's, and one of 49152 and above for who asks, another for each question",
        );
        if self.blocked > 0 {
            let by = self.blocked_by.join("; ");
            say(
                self.blocked,
                &format!("are of pf's log, which says that they were blocked ({by})"),
            );
        }
        if dated {
            say(
                self.without_date,
                "have no date (tcpdump -tttt); the day was taken from the other captures",
            );
        } else {
            say(self.without_date, "have no date (tcpdump -tttt); 1970-01-01 stands for it");
        }
        if !self.names.is_empty() {
            let first: Vec<String> = self
                .names
                .iter()
                .take(8)
                .enumerate()
                .map(|(n, name)| {
                    format!("{} for {name}", std::net::Ipv4Addr::from(0xf000_0001 + n as u32))
                })
                .collect();
            notes.push(format!(
                "{NAMES}; where an address is asked for (--from, --vip) these stand for them: {}. Print it with -n",
                first.join(", ")
            ));
        }
        if !self.services.is_empty() {
            let each = self.services.iter().zip((0..=ends::FIRST_SERVICE).rev());
            let ports: Vec<String> =
                each.map(|(name, port)| format!("port {port} for {name}")).collect();
            notes.push(format!(
                "it prints names of services that are in no table here; these stand for them: {}. Print it with -n",
                ports.join(", ")
            ));
        }
        for (form, line, count) in &self.forms {
            let lines = if *count == 1 { "line is" } else { "lines are" };
            notes.push(format!(
                "{count} of its {lines} {}, from line {line} on, and not read as packets; what can be read is {}",
                form.name, form.instead
            ));
        }
        if self.passed_lines > 0 {
            let ranges: Vec<String> = self
                .passed
                .iter()
                .map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") })
                .collect();
            notes.push(format!(
                "{} of its {} lines are no packets: {}",
                self.passed_lines,
                self.lines,
                ranges.join(", ")
            ));
        }
    }

    /// Whether a packet filter says of every packet that it was blocked.
    #[must_use]
    pub fn is_all_blocked(&self) -> bool {
        self.blocked > 0 && self.blocked == self.packets
    }

    /// The first form that its lines have which are not read.
    pub(super) fn form(&self) -> Option<Form> {
        self.forms.first().map(|(form, ..)| *form)
    }

    fn passed_over(&mut self, line: u64, text: &str) {
        self.aside.push(line, text);
        if let Some(form) = forms::of(text) {
            match self.forms.iter_mut().find(|(known, ..)| *known == form) {
                Some((_, _, count)) => *count += 1,
                None => self.forms.push((form, line, 1)),
            }
        }
        self.passed_lines += 1;
        let room = self.passed.len() < RANGES;
        match self.passed.last_mut() {
            Some((_, end)) if *end + 1 == line => *end = line,
            _ if room => self.passed.push((line, line)),
            _ => {}
        }
    }

    /// Counts a packet; `dumped` where its bytes are printed too.
    fn add(&mut self, known: Known, shown: &Shown, dumped: bool) {
        self.packets += 1;
        self.without_time += u64::from(shown.stamp == Stamp::None);
        let dated = matches!(shown.stamp, Stamp::Whole(_) | Stamp::None);
        self.without_date += u64::from(!dated);
        if let Some(filtered) = shown.filtered.as_ref().filter(|filtered| !filtered.passed) {
            self.blocked += 1;
            if self.blocked_by.len() < RANGES && !self.blocked_by.contains(&filtered.rule) {
                self.blocked_by.push(filtered.rule.clone());
            }
        }
        if dumped {
            self.dumped += 1;
            // Bytes that begin with the network header (-x) have none either.
            self.without_macs += u64::from(!known.has(Known::SRC_MAC));
            return;
        }
        self.without_macs += u64::from(shown.src_mac.is_none());
        self.without_ttl += u64::from(!known.has(Known::TTL) && !shown.layers.is_empty());
        self.portless += u64::from(matches!(&shown.body, shown::Body::Proto { number: 255, .. }));
        self.port_stand_ins += u64::from(shown.stands_in);
        if let shown::Body::Tcp(tcp) = &shown.body {
            self.quiet += u64::from(tcp.flags.is_none());
            let printed = tcp.seq.is_some() && tcp.flags.is_some();
            self.counted += u64::from(printed && !known.has(Known::SEQ));
        }
    }
}

/// The first form that lines of a text have which are not read.
pub(super) fn form(data: &[u8]) -> Option<Form> {
    data.split(|b| *b == b'\n').take(FORM_LINES).find_map(|line| forms::of(&clean::clean(line)))
}

/// What a look at the beginning of a text tells.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) timing: Timing,
    /// Packets are what it is about, and not examples in a page of something else.
    pub(super) mostly: bool,
}

/// Lines of something else that may come to one of a packet; payload has its lines too.
const OTHER_LINES: usize = 10;

/// Looks at the beginning of a text. `None` where no packet is in it, as far as the look goes.
pub(super) fn look(window: &mut ReadBuffer<'_>, near: Option<i64>) -> Option<Look> {
    window.fill(LOOK);
    let mut stamps = Vec::new();
    let mut any = false;
    let (mut packets, mut lines) = (0, 0);
    let mut columns = columns::Columns::default();
    for line in window.data().split(|b| *b == b'\n') {
        let text = clean::clean(line);
        let text = columns.line(&text);
        let text = fortigate::line(&text);
        lines += usize::from(!text.trim().is_empty());
        if let Some(start) = start::find(&text) {
            any = true;
            packets += 1;
            let mut stamp = start.stamp;
            if stamp == Stamp::None && start.printer == record::Printer::Tshark {
                stamp = Stamp::SinceFirst(0);
            }
            stamps.push(stamp);
        } else if let Some((at, _)) = hex::line(&text) {
            any |= at == Some(0);
            packets += 1;
        }
        if stamps.len() >= STAMPS {
            break;
        }
    }
    let mostly = packets * OTHER_LINES >= lines;
    any.then(|| Look { timing: Timing::of(&stamps, near), mostly })
}
