//! Addresses in running text: found, and replaced by what stands for them.
//!
//! Whatever a sentence, a command or a filter is built like, an address in it is a run
//! of hexadecimal digits, colons and dots. Refuses to judge the rest of the text.

use super::map::{Map, Token};
use crate::wire::Ip;
use std::net::IpAddr;

/// Calls `replace` with every address and the length of the prefix that follows it, if
/// one does, and gives the text with its answers in their place.
pub(super) fn each(text: &str, mut replace: impl FnMut(Token, Option<u8>) -> String) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, run) = rest.split_at(start);
        let in_word = before.ends_with(char::is_alphanumeric);
        out.push_str(before);
        let end = run.find(|c| !is_part(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        Run { run, in_word, after }.replace(&mut out, &mut replace);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Characters that addresses are made of, and where they stand.
struct Run<'a> {
    run: &'a str,
    /// It goes on from a word: `std::io` has no address.
    in_word: bool,
    after: &'a str,
}

impl Run<'_> {
    fn replace(&self, out: &mut String, replace: &mut impl FnMut(Token, Option<u8>) -> String) {
        let mut from = 0;
        while let Some(tail) = self.run.get(from..).filter(|tail| !tail.is_empty()) {
            let Some((len, token)) = self.longest(from, tail) else {
                out.push_str(&tail[..1]);
                from += 1;
                continue;
            };
            let prefix = (len == tail.len()).then(|| prefix(self.after)).flatten();
            out.push_str(&replace(token, prefix));
            from += len;
        }
    }

    /// The longest address that begins here. It begins behind a separator, and one
    /// follows it: a port, the end of a sentence.
    fn longest(&self, from: usize, tail: &str) -> Option<(usize, Token)> {
        let bytes = tail.as_bytes();
        if from > 0 && self.run.as_bytes()[from - 1].is_ascii_hexdigit() {
            return None;
        }
        let ends = (1..=tail.len().min(45))
            .rev()
            .filter(|end| *end == tail.len() || matches!(bytes[*end], b':' | b'.'));
        let word_follows = self.after.starts_with(char::is_alphanumeric);
        ends.filter_map(|end| Some((end, token(&tail[..end])?))).find(|(end, _)| {
            let is_v6 = tail[..*end].contains("::");
            !is_v6 || !(from == 0 && self.in_word || *end == tail.len() && word_follows)
        })
    }
}

fn token(text: &str) -> Option<Token> {
    // A MAC is written in full: shorter groups are more often something else.
    if let (17, Ok(mac)) = (text.len(), text.parse()) {
        return Some(Token::Mac(mac));
    }
    // Shorter is a number with a separator, not an address.
    (text.len() > 2)
        .then(|| text.parse::<IpAddr>().ok())
        .flatten()
        .map(|ip| Token::Ip(Ip::from(ip)))
}

/// `/24` behind an address.
fn prefix(after: &str) -> Option<u8> {
    let digits = after.strip_prefix('/')?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

impl Map {
    /// Notes the addresses of a text.
    pub(super) fn note_text(&mut self, text: &str) {
        each(text, |token, _| {
            match token {
                Token::Ip(ip) => self.note_ip(ip),
                Token::Mac(mac) => self.note_mac(mac),
            }
            String::new()
        });
    }

    /// The text with what stands for its addresses.
    #[must_use]
    pub fn of_text(&mut self, text: &str) -> String {
        each(text, |token, prefix| match token {
            Token::Mac(mac) => self.mac(mac).to_string(),
            Token::Ip(ip) => match prefix {
                Some(bits) => network(ip, self.ip(ip), bits).to_string(),
                None => self.ip(ip).to_string(),
            },
        })
    }
}

/// A network stays one: where the host's bits of the original are 0, so are those of
/// what stands for it.
fn network(from: Ip, to: Ip, bits: u8) -> Ip {
    let (from, to) = (from.addr(), to.addr());
    match (from, to) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let zero = a.to_bits() & host == 0;
            Ip::v4((if zero { b.to_bits() & !host } else { b.to_bits() }).to_be_bytes())
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let host = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let zero = a.to_bits() & host == 0;
            Ip::v6((if zero { b.to_bits() & !host } else { b.to_bits() }).to_be_bytes())
        }
        (_, to) => Ip::from(to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> String {
        each(text, |token, prefix| match (token, prefix) {
            (Token::Ip(ip), None) => format!("<{ip}>"),
            (Token::Ip(ip), Some(bits)) => format!("<{ip} of {bits}>"),
            (Token::Mac(mac), _) => format!("[{mac}]"),
        })
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (text, found) in [
            ("10.0.0.1 answers 10.0.0.2.", "<10.0.0.1> answers <10.0.0.2>."),
            ("10.0.0.1:80 > 10.0.0.2:443:", "<10.0.0.1>:80 > <10.0.0.2>:443:"),
            (
                "[2001:db8::7]:80, 2001:db8::8: fe80::1",
                "[<2001:db8::7>]:80, <2001:db8::8>: <fe80::1>",
            ),
            ("net 10.2.0.0/16 dev", "net <10.2.0.0 of 16>/16 dev"),
            ("at 52:54:00:0d:47:99.", "at [52:54:00:0d:47:99]."),
            ("src=10.0.0.1;dst='10.0.0.2'", "src=<10.0.0.1>;dst='<10.0.0.2>'"),
            ("::ffff:10.0.0.1", "<10.0.0.1>"),
            ("10.0.0.1.443 > 10.0.0.2.50000", "<10.0.0.1>.443 > <10.0.0.2>.50000"),
        ] {
            assert_eq!(marked(text), found, "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "2026-11-20T07:41:51.529293000Z",
            "lbdiag 0.1.0",
            "1,204 of 3.5 ms",
            "frame 12: a",
            "std::io",
            "https://example",
            "1.2.3",
            "07:41:51",
            "beef",
            "10.0.0.1000",
        ] {
            assert_eq!(marked(text), text);
        }
    }
}
