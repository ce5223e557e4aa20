//! What the kernel's log says of a moment when it drops packets: sources that cannot come in there, a
//! table of connections that is full, a listener that takes no more. Written after `ip_handle_martian_source`,
//! `__nf_conntrack_alloc` and `tcp_syn_flood_action` of Linux.

use super::dropped::put;
use crate::state::context::Cx;
use crate::state::records::{KernelSaid, KernelWord};
use crate::state::text::ip;
use crate::wire::Protocol;

/// How it begins that the table of connections is full, then and now.
const FULL: [&str; 2] = ["nf_conntrack: table full", "ip_conntrack: table full"];
const FLOOD: &str = "ossible SYN flooding on port ";

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str) -> bool {
    if FULL.iter().any(|said| line.contains(said)) && line.contains("drop") {
        return say(cx, KernelWord::TableFull);
    }
    if let Some((_, after)) = line.split_once(FLOOD) {
        let Some(end) = after.split(". ").next() else { return false };
        // `443`, `0.0.0.0:443`, `[::]:443`
        let port = end.rsplit(':').next().unwrap_or(end).trim_end_matches('.');
        return port.parse().is_ok_and(|port| say(cx, KernelWord::SynFlood { port }));
    }
    martian(cx, line)
}

/// Keeps a word; the same again counts.
fn say(cx: &mut Cx<'_>, word: KernelWord) -> bool {
    if let Some(known) = cx.state.kernel.iter_mut().find(|known| known.word == word) {
        known.count = known.count.saturating_add(1);
        return true;
    }
    let row = KernelSaid { word, count: 1, at: cx.at };
    cx.keep(row);
    true
}

/// `IPv4: martian source 192.0.2.10 from 10.9.0.5, on dev eth1`: to whom, from whom, where it came in.
fn martian(cx: &mut Cx<'_>, line: &str) -> bool {
    let Some((_, after)) = line.split_once("martian source ") else { return false };
    let mut words = after.split_whitespace().map(|word| word.trim_end_matches(','));
    let (Some(to), Some("from"), Some(from)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    let Some((to, from)) = ip(to).zip(ip(from)) else { return false };
    let device = words.next_back().filter(|_| line.contains(" dev ")).unwrap_or("an interface");
    let by = format!("the kernel (martian source: not to be expected on {device}, by its routes)");
    put(cx, Protocol::ANY, (from, None), (to, None), &by);
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::state::records::KernelWord;

    #[test]
    fn words_of_the_kernel_are_read_in_all_their_forms() {
        let mut state = HostState::default();
        let text = "Jul  8 10:03:53 gw kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n\
            [1.5] nf_conntrack: table full, dropping packet\n\
            [2.5] TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:8443. Sending cookies.\n\
            [3.5] possible SYN flooding on port 25. Dropping request.  Check SNMP counters.\n\
            [4.5] IPv4: martian source 192.0.2.9 from 10.9.0.7, on dev eth1\n";
        assert!(parse(&mut state, "a", text));
        let said: Vec<_> = state.kernel.iter().map(|said| (said.word, said.count)).collect();
        let flood = |port| (KernelWord::SynFlood { port }, 1);
        assert_eq!(said, [(KernelWord::TableFull, 2), flood(8443), flood(25)]);
        let [dropped] = &state.dropped[..] else { panic!("{:?}", state.dropped) };
        assert_eq!(
            (dropped.from.0.to_string(), dropped.to.0.to_string()),
            ("10.9.0.7".into(), "192.0.2.9".into())
        );
        assert!(dropped.by.contains("eth1"), "{}", dropped.by);
    }

    #[test]
    fn advice_about_such_words_is_none() {
        let mut state = HostState::default();
        let text = "the log has 'martian source' then\nif a table is full raise nf_conntrack_max\nwatch for SYN flooding\n";
        assert!(!parse(&mut state, "a", text));
    }
}
