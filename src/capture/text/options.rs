//! TCP options as tcpdump prints them, back to bytes in their order: `mss 1460,sackOK,nop`.

use super::scan::Scan;
use super::shown::{Extent, Options};

/// Bytes of options at most (RFC 9293, section 3.1).
const MOST: usize = 40;

/// Reads a list up to the bracket that ends it. What cannot be told leaves the rest unknown; `false`
/// where a line break inside of a word may be why.
pub(super) fn parse(scan: &mut Scan<'_>, options: &mut Options) -> bool {
    let mut whole = true;
    options.extent = Extent::All;
    let before = *scan;
    let end = scan.rest().find([']', '>']);
    // A list that was cut off (`[|tcp]`, the end of the line) has no more than it shows.
    let cut = scan.rest().find("[|tcp]").filter(|at| end.is_none_or(|end| *at < end));
    let (list, skip) = match (cut, end) {
        (Some(at), _) => (&before.rest()[..at], at),
        (None, Some(at)) => (&before.rest()[..at], at + 1),
        (None, None) => (before.rest(), before.rest().len()),
    };
    if cut.is_some() || end.is_none() {
        options.extent = Extent::Some;
    }
    for item in split(list) {
        let item = item.trim();
        if item.is_empty() {
            continue;
        }
        let told = sack(item, options).or_else(|| one(item, &mut options.bytes));
        if told.is_none() || options.bytes.len() > MOST {
            options.extent = Extent::Some;
            whole = !item.contains('\n');
            break;
        }
    }
    options.bytes.truncate(MOST);
    if options.edges.end > MOST {
        options.edges = 0..0;
    }
    scan.skip(skip);
    whole
}

/// Items between commas.
fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
}

fn one(item: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let mut scan = Scan::new(item);
    if scan.word("nop") {
        bytes.push(1);
    } else if scan.word("eol") {
        bytes.push(0);
    } else if scan.word("mss") {
        let mss: u16 = scan.blanks().num()?;
        bytes.extend([2, 4]);
        bytes.extend(mss.to_be_bytes());
    } else if scan.word("wscale") {
        bytes.extend([3, 3, scan.blanks().num()?]);
    } else if scan.word("sackOK") || scan.word("sackok") {
        bytes.extend([4, 2]);
    } else if scan.eat("TS val ") {
        let value: u32 = scan.blanks().num()?;
        scan.blanks().eat("ecr ");
        stamps(value, scan.blanks().num()?, bytes);
    } else if scan.eat("timestamp ") {
        let value: u32 = scan.blanks().num()?;
        stamps(value, scan.blanks().num()?, bytes);
    } else if scan.word("md5") || item.starts_with("can't check") {
        // `md5 valid`, `md5 shared secret not supplied with -M, can't check - 0f3a..`: what it is made of tells nobody.
        if !item.starts_with("can't") {
            bytes.extend([19, 18]);
            bytes.extend([0; 16]);
        }
        return Some(());
    } else if scan.eat("unknown-") || scan.eat("opt-") {
        let kind: u8 = scan.num()?;
        let data = item.split_once("0x").map(|(_, data)| data)?;
        bytes.push(kind);
        bytes.push(u8::try_from(data.len() / 2 + 2).ok()?);
        for at in (0..data.len() / 2 * 2).step_by(2) {
            bytes.push(u8::from_str_radix(data.get(at..at + 2)?, 16).ok()?);
        }
    } else {
        // Others are not printed whole.
        return None;
    }
    scan.blanks().is_empty().then_some(()).or_else(|| item.starts_with("unknown-").then_some(()))
}

/// Blocks that are acknowledged beyond a gap: `sack 2 {1449:2897}{4345:5793}`, of version 3 `sack sack 1 {..}`.
fn sack(item: &str, options: &mut Options) -> Option<()> {
    const EDGES: usize = 8;
    let mut scan = Scan::new(item);
    let named = scan.word("sack");
    scan.blanks().word("sack");
    let blocks: u8 = scan.blanks().num().filter(|blocks| named && (1..=4).contains(blocks))?;
    let mut edges = Vec::with_capacity(usize::from(blocks) * EDGES);
    for _ in 0..blocks {
        scan.blanks().eat("{").then_some(())?;
        let left: u32 = scan.num()?;
        scan.eat(":").then_some(())?;
        let right: u32 = scan.num()?;
        scan.eat("}").then_some(())?;
        edges.extend(left.to_be_bytes());
        edges.extend(right.to_be_bytes());
    }
    options.bytes.extend([5, edges.len() as u8 + 2]);
    let from = options.bytes.len();
    options.edges = from..from + edges.len();
    options.bytes.extend(edges);
    scan.blanks().is_empty().then_some(())
}

fn stamps(value: u32, echo: u32, bytes: &mut Vec<u8>) {
    bytes.extend([8, 10]);
    bytes.extend(value.to_be_bytes());
    bytes.extend(echo.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::{Extent, Options, Scan, parse};

    fn read(text: &str) -> (Options, String) {
        let mut options = Options::default();
        let mut scan = Scan::new(text);
        parse(&mut scan, &mut options);
        (options, scan.rest().to_owned())
    }

    #[test]
    fn a_list_gives_its_bytes_in_order() {
        let (options, rest) = read("mss 1460,sackOK,TS val 42910984 ecr 0,nop,wscale 7], length 0");
        let stamp = 42_910_984_u32.to_be_bytes();
        let mut wanted = vec![2, 4, 5, 180, 4, 2, 8, 10];
        wanted.extend(stamp);
        wanted.extend([0, 0, 0, 0, 1, 3, 3, 7]);
        assert_eq!((options.bytes, options.extent), (wanted, Extent::All));
        assert_eq!(rest, ", length 0");
    }

    #[test]
    fn blocks_of_sack_are_read_with_their_place() {
        let (options, _) = read("nop,nop,TS val 9 ecr 8,nop,nop,sack 2 {1449:2897}{4345:5793}]");
        assert_eq!((options.extent, options.edges.clone()), (Extent::All, 16..32));
        assert_eq!(options.bytes[14..20], [5, 18, 0, 0, 5, 0xa9]);
        let (old, _) = read("nop,nop,sack sack 1 {7:9} >");
        assert_eq!(
            (old.extent, &old.bytes[2..]),
            (Extent::All, &[5, 10, 0, 0, 0, 7, 0, 0, 0, 9][..])
        );
        for broken in ["sack 2 {1:2}]", "sack 1 {1}]", "sack {1:2}]"] {
            assert_eq!(read(broken).0.extent, Extent::Some, "{broken}");
        }
    }

    #[test]
    fn what_is_cut_or_not_printed_is_not_all() {
        for text in
            ["mss 1460,sackOK,TS [|tcp]>", "mss 1460,sackOK,TS va", "mss 1460,sackOK,exp-bb8a]"]
        {
            let (options, _) = read(text);
            assert_eq!(options.extent, Extent::Some, "{text}");
            assert_eq!(options.bytes, [2, 4, 5, 180, 4, 2], "{text}");
        }
        let (options, _) = read("unknown-253 0x0050c0000207,nop,nop]");
        assert_eq!(options.bytes, [253, 8, 0, 80, 0xc0, 0, 2, 7, 1, 1]);
    }
}
