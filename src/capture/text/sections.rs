//! Several captures in one text: what begins one, and what it is called.

use super::ends;
use crate::capture::ticks::Ticks;
use crate::capture::{Interface, LinkType};

/// Characters of a heading that name a capture.
const NAME: usize = 32;
/// Captures of one text that are told apart.
const MAX_SECTIONS: usize = 64;
/// Interfaces of one capture that are told apart by their names.
const MAX_NAMES: usize = 256;

/// The captures of a text, in its order.
#[derive(Debug, Default)]
pub(super) struct Sections {
    list: Vec<Section>,
    /// A heading that no packet followed yet.
    next: Option<String>,
    /// Names of interfaces, in order of appearance.
    names: Vec<String>,
}

#[derive(Debug)]
struct Section {
    name: Option<String>,
    link_type: LinkType,
    frames: u64,
}

/// What a line that begins a capture says of it: a command, a file's name, `listening on`.
pub(super) fn heading(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some((_, after)) = line.split_once("listening on ") {
        let interface = after.split([',', ' ']).next()?;
        return Some(interface.to_owned());
    }
    if let Some((_, after)) = line.split_once("reading from file ") {
        return Some(name(after.split([',', ' ']).next()?));
    }
    // A FortiGate's sniffer; of all interfaces each packet names its own.
    if let Some(interface) = line.strip_prefix("interfaces=[") {
        let interface = interface.trim_end_matches(']');
        return Some(if interface == "any" { String::new() } else { name(interface) });
    }
    if let Some(file) = line.strip_prefix("==> ") {
        return Some(name(file.trim_end_matches([' ', '<', '='])));
    }
    // Ansible, before what each host printed: `web1 | CHANGED | rc=0 >>`.
    if let Some((host, _)) = line.split_once(" | ").filter(|_| line.ends_with(" >>")) {
        return Some(name(host));
    }
    let command = ["tcpdump ", "tshark "].iter().find_map(|c| line.find(c))?;
    let before = line[..command].trim_end();
    let prompt = before.is_empty()
        || before.ends_with(['$', '#', '%', '>'])
        || before.ends_with("sudo")
        || before.ends_with("exec")
        || before.ends_with('/');
    if !prompt || !has_option(&line[command..]) {
        return None;
    }
    // root@lb1:~# and [root@lb1 ~]# have the host's name.
    let host = before.split_once('@').map(|(_, host)| {
        host.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .collect()
    });
    let words: Vec<&str> = line[command..].split_whitespace().collect();
    let interface =
        words.windows(2).find(|w| w[0].ends_with('i') && w[0].starts_with('-')).map(|w| w[1]);
    match (host.filter(|host: &String| !host.is_empty()), interface) {
        (Some(host), _) => Some(host),
        (None, Some(interface)) => Some(interface.to_owned()),
        (None, None) => Some(String::new()),
    }
}

/// ` -n`: a dash with a letter behind it.
fn has_option(command: &str) -> bool {
    let letter = |w: &[u8]| w[0] == b' ' && w[1] == b'-' && w[2].is_ascii_alphabetic();
    command.as_bytes().windows(3).any(letter)
}

/// A heading as a name.
pub(super) fn name(heading: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { ' ' };
    let text: String = heading.chars().take(NAME * 2).map(plain).collect();
    let text: Vec<&str> = text.split_whitespace().collect();
    text.join("-").chars().take(NAME).collect()
}

/// Whether a line is of the program or the shell around a capture and no part of a packet.
pub(super) fn is_aside(line: &str) -> bool {
    let line = line.trim();
    let counts = [
        "packets captured",
        "packet captured",
        "received by filter",
        "dropped by kernel",
        "dropped by interface",
    ];
    counts.iter().any(|c| line.ends_with(c))
        || is_omission(line)
        || line.starts_with("^C")
        || line.starts_with("tcpdump: ")
        || line.starts_with("Capturing on ")
        || line.starts_with("```")
        || line.starts_with("$ ")
        || line.starts_with("# ")
        || line.starts_with("-- ")
        || line.starts_with("//")
        || (line.contains('@')
            && (line.contains("# ") || line.ends_with(['#', '$']))
            && ends::mac(line).is_none())
}

/// `...`, `[...]`, `<snip>`: somebody left lines out.
fn is_omission(line: &str) -> bool {
    let word = line.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
    // Of bytes (-A) a line may be nothing but dots.
    let bare = word.is_empty() && line.contains("..") && line.starts_with(['[', '(', '<', '{']);
    bare || ["snip", "snipped", "omitted", "cut", "truncated"]
        .iter()
        .any(|w| word.eq_ignore_ascii_case(w))
}

impl Sections {
    /// A capture begins, if packets came before it.
    pub(super) fn head(&mut self, name: String, frames: u32) {
        let room = self.list.len() < MAX_SECTIONS;
        match self.list.last_mut() {
            Some(last) if last.frames == 0 => {
                last.name = Some(name).filter(|n| !n.is_empty()).or(last.name.take())
            }
            Some(_) if room => self.next = Some(name),
            None if frames == 0 => {
                self.next = Some(name).filter(|n| !n.is_empty()).or(self.next.take())
            }
            _ => {}
        }
    }

    /// Counts a frame; gives the index of its capture.
    pub(super) fn take(&mut self, link_type: LinkType) -> u32 {
        if self.list.is_empty() || self.next.is_some() {
            let name = self.next.take().filter(|name| !name.is_empty());
            self.list.push(Section { name, link_type, frames: 0 });
        }
        let at = self.list.len() - 1;
        self.list[at].frames += 1;
        at as u32
    }

    /// A number for an interface whose own is not printed; 0 where neither is its name.
    pub(super) fn index(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else { return 0 };
        if let Some(at) = self.names.iter().position(|n| n == name) {
            return at as u32 + 1;
        }
        if self.names.len() >= MAX_NAMES {
            return 0;
        }
        self.names.push(name.to_owned());
        self.names.len() as u32
    }

    /// Names of interfaces that lines print.
    pub(super) fn devices(&self) -> Vec<String> {
        self.names.clone()
    }

    pub(super) fn interfaces(&self) -> Vec<Interface> {
        let one = |section: &Section| Interface {
            name: section.name.clone(),
            description: None,
            link_type: section.link_type,
            snaplen: 0,
            frames: section.frames,
            dropped: None,
            received: None,
            ticks: Ticks::default(),
        };
        self.list.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{heading, is_aside, name};

    #[test]
    fn headings_name_captures() {
        for (line, wanted) in [
            ("listening on eth0, link-type EN10MB (Ethernet), capture size 262144 bytes", "eth0"),
            ("tcpdump: listening on any, link-type LINUX_SLL2 (Linux cooked v2)", "any"),
            ("[root@lb-1 ~]# tcpdump -nn -i eth0 port 80", "lb-1"),
            ("$ sudo tcpdump -ni bond0 tcp", "bond0"),
            ("==> director.txt <==", "director.txt"),
            ("web1 | CHANGED | rc=0 >>", "web1"),
        ] {
            assert_eq!(heading(line).as_deref(), Some(wanted), "{line}");
        }
        for line in ["I ran tcpdump on both", "12 packets captured", "tcpdump shows nothing - why?"]
        {
            assert_eq!(heading(line), None, "{line}");
        }
        assert_eq!(name("=== On the client: ==="), "On-the-client");
        assert!(
            is_aside("^C") && is_aside("5 packets captured") && !is_aside("    win 5, length 0")
        );
    }
}
