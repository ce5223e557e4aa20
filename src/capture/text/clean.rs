//! What people, mail and web pages did to a line, undone.

use std::borrow::Cow;

/// The longest line that is read; more of one is passed over.
pub(super) const LONGEST: usize = 64 << 10;

/// A line as tcpdump printed it, as far as that can be told.
pub(super) fn clean(raw: &[u8]) -> Cow<'_, str> {
    let raw = &raw[..raw.len().min(LONGEST)];
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    let text = String::from_utf8_lossy(raw);
    let odd = |b: &u8| matches!(b, b'&' | b'\\' | 0x1b | b'`' | b'<' | 0x80..);
    let quoted = raw.iter().find(|b| !b.is_ascii_whitespace());
    let vendor = memchr::memmem::find(raw, VENDOR.as_bytes()).is_some();
    let marked = matches!(quoted, Some(b'>' | b'|' | b'*' | b'^' | b'#'));
    if !marked && !vendor && !raw.iter().any(odd) {
        return text;
    }
    let text = mend(&text);
    Cow::Owned(if vendor { without_vendors(&text) } else { text })
}

/// What tcpdump prints behind a MAC where `-n` was not given: `00:16:ea:8e:28:44 (oui Unknown)`.
const VENDOR: &str = " (oui ";

fn without_vendors(text: &str) -> String {
    let mut parts = text.split(VENDOR);
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        out.push_str(part.split_once(')').map_or("", |(_, after)| after));
    }
    out
}

fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => escape(&mut chars),
            // As Markdown has it; a path of Windows keeps its own.
            '\\' if chars.peek().is_some_and(|c| "[]<>_*#.-|\\".contains(*c)) => {}
            '`' | '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{ad}' => {}
            '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => out.push(' '),
            // Full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                out.push(char::from_u32(u32::from(c) - 0xfee0).unwrap_or(' '));
            }
            '\u{3002}' => out.push('.'),
            '\u{3001}' => out.push(','),
            '\u{3010}' => out.push('['),
            '\u{3011}' => out.push(']'),
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2010}'..='\u{2015}' => out.push('-'),
            '\u{2026}' => out.push_str("..."),
            _ => out.push(c),
        }
    }
    let out = if out.contains('&') { entities(&out) } else { out };
    let out = if out.contains('<') { in_one_word(out) } else { out };
    unquoted(&out).to_owned()
}

/// The longest text in the place of an address, bytes.
const PLACEHOLDER: usize = 48;

/// What stands in the place of an address as one word: `<Load Balancer IP>.443`. The options of
/// old versions stand in such brackets too, and nothing of an end follows them.
fn in_one_word(mut text: String) -> String {
    let mut from = 0;
    while let Some(open) = text[from..].find('<').map(|at| from + at) {
        from = open + 1;
        let Some(close) = text[open..].find('>').map(|at| open + at) else { break };
        let inside = &text[open + 1..close];
        let after = &text[close + 1..];
        let goes_on = after.starts_with(['.', ':', ',']) || after.starts_with(" > ");
        let words = inside.len() <= PLACEHOLDER
            && inside.chars().all(|c| c.is_alphanumeric() || " -_.'/".contains(c));
        if words && goes_on && inside.contains(' ') {
            let word = inside.replace([' ', '\'', '/'], "_");
            text.replace_range(open + 1..close, &word);
        }
        from = close.max(from);
    }
    text
}

/// A control sequence of a terminal (ECMA-48): ESC, bracket, parameters, a letter.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.next_if_eq(&'[').is_some() {
        for c in chars.by_ref() {
            if ('\u{40}'..='\u{7e}').contains(&c) {
                break;
            }
        }
    }
}

fn entities(text: &str) -> String {
    let mut text = text.to_owned();
    // Twice, as what was escaped twice is seen too.
    for _ in 0..2 {
        for (entity, plain) in [
            ("&gt;", ">"),
            ("&lt;", "<"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&#62;", ">"),
            ("&#60;", "<"),
            ("&nbsp;", " "),
            ("&#160;", " "),
            ("&rarr;", "\u{2192}"),
            ("&amp;", "&"),
        ] {
            if text.contains(entity) {
                text = text.replace(entity, plain);
            }
        }
    }
    text
}

/// Without the marks of quotations and list items before it.
fn unquoted(text: &str) -> &str {
    let mut rest = uncommented(text);
    // What ended the program before is left on the screen.
    rest = rest.strip_prefix("^C").filter(|rest| !rest.trim().is_empty()).unwrap_or(rest);
    loop {
        let trimmed = rest.trim_start();
        match trimmed.strip_prefix(['>', '|']) {
            Some(inside) if is_receiver(inside) => return trimmed,
            Some(inside) => rest = inside.strip_prefix(' ').unwrap_or(inside),
            None => break,
        }
    }
    rest.strip_prefix("* ").unwrap_or(rest)
}

/// Without the mark of a comment before a packet, or before the ends of one that is printed on two lines.
fn uncommented(text: &str) -> &str {
    let Some(inside) = text.trim_start().strip_prefix('#') else { return text };
    let packet = inside.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let told = inside.contains(" > ") || inside.contains(" ARP, ");
    if packet && told { inside } else { text }
}

/// Whether what stands behind a mark is the end that a packet went to, with what is said of it: the line was broken
/// before its arrow.
fn is_receiver(inside: &str) -> bool {
    let Some((word, said)) = inside.strip_prefix(' ').and_then(|rest| rest.split_once(": ")) else {
        return false;
    };
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    !word.contains(' ') && digits > 0 && word.contains(['.', ':']) && !said.is_empty()
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn marks_of_mail_and_web_are_taken_off() {
        let line = "12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]";
        for raw in [
            "12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]\r",
            "> 12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]",
            "> > 12:00:00.1 IP 10.0.0.1.80 &gt; 10.0.0.2.90: Flags [S]",
            "12:00:00.1 IP 10.0.0.1.80 &amp;gt; 10.0.0.2.90: Flags [S]",
            "12:00:00.1\u{a0}IP 10.0.0.1.80 \u{ff1e} 10.0.0.2.90\u{ff1a} Flags \u{ff3b}S\u{ff3d}",
            "12:00:00.1 IP 10.0.0.1.80 \\> 10.0.0.2.90: Flags \\[S\\]",
            "`12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]`",
            "\u{1b}[1;31m12:00:00.1\u{1b}[0m IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]",
            "^C12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]",
            "#12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]",
        ] {
            assert_eq!(clean(raw.as_bytes()), line, "{raw}");
        }
    }

    #[test]
    fn marks_of_comments_and_names_of_vendors_are_taken_off() {
        let said = |raw: &str| clean(raw.as_bytes()).into_owned();
        assert_eq!(said("  #     10.0.0.1 > 10.0.0.2: VRRPv2"), "     10.0.0.1 > 10.0.0.2: VRRPv2");
        assert_eq!(said("# tcpdump -ni eth0 > x"), "# tcpdump -ni eth0 > x");
        let asks = "12:00:00.1 ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28";
        assert_eq!(said(&format!("#{asks}")), asks);
        assert_eq!(said("^C"), "^C");
        assert_eq!(
            said("1:2:3:4:5:6 (oui Unknown) > Broadcast, is-at 1:2:3:4:5:6 (oui Cisco), length 28"),
            "1:2:3:4:5:6 > Broadcast, is-at 1:2:3:4:5:6, length 28"
        );
    }

    #[test]
    fn an_arrow_that_begins_a_line_is_no_mark() {
        let said = |raw: &str| clean(raw.as_bytes()).into_owned();
        let rest = "> 10.0.0.2.90: Flags [S], seq 1";
        assert_eq!(said(rest), rest);
        assert_eq!(said("> > 10.0.0.2.90: Flags [S], seq 1"), rest);
        assert_eq!(
            said("> 10.0.0.1.80 > 10.0.0.2.90: Flags [S]"),
            "10.0.0.1.80 > 10.0.0.2.90: Flags [S]"
        );
        assert_eq!(said("> note: this"), "note: this");
        assert_eq!(said("> 12:00:00.1 IP 10.0.0.1: x"), "12:00:00.1 IP 10.0.0.1: x");
    }

    #[test]
    fn what_stands_for_an_address_is_one_word() {
        let said = |raw: &str| clean(raw.as_bytes()).into_owned();
        assert_eq!(
            said("IP <Load Balancer IP>.443 > <Client IP>.58468: Flags [S.]"),
            "IP <Load_Balancer_IP>.443 > <Client_IP>.58468: Flags [S.]"
        );
        let old = "10.0.0.1.80 > 10.0.0.2.90: S 1:1(0) win 9 <mss 1460,nop,nop,sackOK> (DF)";
        assert_eq!(said(old), old);
        assert_eq!(said("<a"), "<a");
        assert_eq!(said("> < > <x y>: z"), "< > <x_y>: z");
    }

    #[test]
    fn what_needs_no_mending_is_not_copied() {
        assert!(matches!(clean(b"    10.0.0.1.80 > x"), std::borrow::Cow::Borrowed(_)));
        assert!(clean(&[0xff, 0x41]).contains('A'));
    }
}
