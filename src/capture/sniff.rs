//! What a file is, from its first bytes. Names and extensions are never looked at.
//!
//! Magic numbers: pcap and pcapng from their specifications (draft-ietf-opsawg-pcap,
//! draft-ietf-opsawg-pcapng), the rest from Wireshark's `wiretap/`.

/// How a whole file is packed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    Gzip,
    Zstd,
    /// A text in UTF-16; whether the most significant byte comes first.
    Utf16(bool),
    /// Something that is named and refused: what it is, and the command that unpacks it.
    Other(&'static str, &'static str),
}

/// What the unpacked bytes are.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Format {
    Pcap,
    PcapNg,
    /// A capture format that is named and refused.
    Other(&'static str),
    Text,
    Unknown,
}

/// Bytes that [`format`] likes to see, fewer where the file is shorter.
pub(super) const LOOK: usize = 4096;

/// How the file that begins with `head` is packed.
pub(super) fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        // A zstd frame, or a skippable frame before it (RFC 8878, section 3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        // A byte order mark, and a character of ASCII behind it.
        [0xff, 0xfe, 1..=0x7f, 0, ..] => Packing::Utf16(false),
        [0xfe, 0xff, 0, 1..=0x7f, ..] => Packing::Utf16(true),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Packing::Other("bzip2 compressed", "bzip2 -dk"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Other("xz compressed", "xz -dk"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Other("lz4 compressed", "lz4 -dk"),
        [0x1f, 0x9d, ..] => Packing::Other("compress (.Z) compressed", "uncompress -k"),
        [b'P', b'K', 3, 4, ..] => Packing::Other("a zip archive", "unzip"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Packing::Other("a 7-Zip archive", "7z x"),
        _ if head.get(257..262) == Some(b"ustar") => Packing::Other("a tar archive", "tar -xf"),
        _ => Packing::Plain,
    }
}

/// The format of the unpacked bytes that begin with `head`.
pub(super) fn format(head: &[u8]) -> Format {
    match head {
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
        | [0xd4, 0xc3, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0x3c, 0x4d, ..]
        | [0x4d, 0x3c, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xcd, 0x34, ..]
        | [0x34, 0xcd, 0xb2, 0xa1, ..] => return Format::Pcap,
        [0x0a, 0x0d, 0x0d, 0x0a, rest @ ..] => {
            // A file that ends before its byte order is known is still this format, cut.
            let order = rest.get(4..8);
            if matches!(order, None | Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a])) {
                return Format::PcapNg;
            }
        }
        _ => {}
    }
    if let Some(name) = other(head) {
        Format::Other(name)
    } else if is_text(head) {
        Format::Text
    } else {
        Format::Unknown
    }
}

/// The capture formats that are known by name only.
fn other(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 17] = [
        (b"snoop\0\0\0", "snoop"),
        (b"TRSNIFF data", "Sniffer (DOS)"),
        (b"XCP\0", "Sniffer (Windows, NetXRay)"),
        (b"GMBU", "Network Monitor 2"),
        (b"RTSS", "Network Monitor 1"),
        (b"\x54\x52\x00\x64\x00", "nettl (HP-UX)"),
        (b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x07\xd0\x00", "nettl (HP-UX)"),
        (b"\x7fver", "OmniPeek (tagged)"),
        (b"iptrace 1.0", "iptrace (AIX)"),
        (b"iptrace 2.0", "iptrace (AIX)"),
        (b"btsnoop\0", "btsnoop"),
        (b"\x1c\x00\x01\xac", "Ixia lcap"),
        (b"\xac\x01\x00\x1c", "Ixia lcap"),
        (b"\x1c\x00\x01\xab", "Ixia lcap"),
        (b"\xab\x01\x00\x1c", "Ixia lcap"),
        (b"\x05VNF", "Visual Networks"),
        (b"\xaa\xaa\xaa\xaa", "5Views"),
    ];
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    let early = &head[..head.len().min(256)];
    let holds = |text: &[u8]| early.windows(text.len()).any(|w| w.eq_ignore_ascii_case(text));
    if holds(b"NetScaler V") || holds(b"NetScaler Perf") {
        return Some("NetScaler nstrace");
    }
    if erf(head) {
        return Some("ERF (Endace)");
    }
    None
}

/// ERF has no magic: two records whose types, lengths and times agree are taken as one.
fn erf(head: &[u8]) -> bool {
    let record = |at: usize| {
        let h = head.get(at..at + 16)?;
        let kind = h[8] & 0x7f;
        let len = usize::from(u16::from_be_bytes([h[10], h[11]]));
        let seconds = u32::from_le_bytes([h[4], h[5], h[6], h[7]]);
        ((1..=48).contains(&kind) && len >= 16).then_some((len, seconds))
    };
    let Some((len, seconds)) = record(0) else {
        return false;
    };
    let Some((_, next)) = record(len) else {
        return false;
    };
    // 1990 is before the first ERF card.
    seconds > 631_152_000 && next.abs_diff(seconds) < 86_400
}

/// No control characters but those of text, and some text at all.
fn is_text(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // Terminals put in escapes and backspaces; letters of other encodings than UTF-8 are none that
    // a packet is printed with.
    let text =
        |b: &u8| *b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x07 | 0x08 | 0x0c | 0x1b);
    !head.is_empty() && head.iter().all(text)
}

#[cfg(test)]
mod tests {
    use super::{Format, Packing, format, packing};

    #[test]
    fn capture_formats_are_told_by_content() {
        assert_eq!(format(&0xa1b2_c3d4_u32.to_le_bytes()), Format::Pcap);
        assert_eq!(format(&0xa1b2_cd34_u32.to_be_bytes()), Format::Pcap);
        assert_eq!(format(b"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a"), Format::PcapNg);
        assert_eq!(format(b"\n\r\r\n"), Format::PcapNg);
        assert_eq!(format(b"snoop\0\0\0\0\0\0\x02"), Format::Other("snoop"));
        assert_eq!(format(b"\n\r\r\nblank lines first\n"), Format::Text);
        assert_eq!(format(b"12:00:01 IP 10.0.0.1 > 10.0.0.2\n"), Format::Text);
        assert_eq!(format(b"\x7fELF\x02\x01\x01"), Format::Unknown);
    }

    #[test]
    fn two_records_that_agree_are_erf() {
        let mut record = [0u8; 40];
        record[4..8].copy_from_slice(&1_600_000_000u32.to_le_bytes());
        record[8] = 2;
        record[10..12].copy_from_slice(&40u16.to_be_bytes());
        let two = [record, record].concat();
        assert_eq!(format(&two), Format::Other("ERF (Endace)"));
        assert_eq!(format(&record), Format::Unknown);
    }

    #[test]
    fn packings_are_told_by_content() {
        assert_eq!(packing(&[0x1f, 0x8b, 8, 0]), Packing::Gzip);
        assert_eq!(packing(&[0x28, 0xb5, 0x2f, 0xfd]), Packing::Zstd);
        assert_eq!(packing(b"BZh9"), Packing::Other("bzip2 compressed", "bzip2 -dk"));
        assert_eq!(packing(b"PK"), Packing::Plain);
        assert_eq!(packing(b"\xff\xfe1\x002\x00"), Packing::Utf16(false));
        assert_eq!(packing(b"\xfe\xff\x001\x002"), Packing::Utf16(true));
    }
}
