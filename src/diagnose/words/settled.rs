//! What hosts' own words decided, as sentences behind a finding's own.

use super::proxy_log;
use crate::diagnose::Finding;
use crate::diagnose::settled::Settled;
use crate::diagnose::words::{count, list};

/// Puts what was settled into the finding's words: the title for the reason that it gave,
/// if it has one, and the sentences behind its explanation.
pub fn tell(finding: &mut Finding) {
    let reason = |(why, _): &(Settled, String)| finding.settled.contains(why);
    if let Some(at) = finding.titles.iter().position(reason) {
        finding.title = finding.titles.swap_remove(at).1;
    }
    for sentence in finding.settled.iter().filter_map(sentence) {
        finding.explanation.push(' ');
        finding.explanation.push_str(&sentence);
    }
}

fn sentence(settled: &Settled) -> Option<String> {
    use Settled as S;
    Some(match settled {
        S::VipListed { server, vip, at } => format!(
            "{at} lists {vip} on {server}: it was added after the capture, or is on an interface that was down."
        ),
        S::VipAbsent { server, vip, at } => {
            format!("The addresses of {server}, listed from {at} on, do not include {vip}.")
        }
        S::VipPresent { at } => format!("The VIP is not missing (it stands at {at})."),
        S::VipNowhere { vip, at } => format!("{vip} is on no interface ({at})."),
        S::QueuesHeld { at } => format!("No accept queue overflowed ({at})."),
        S::QueuesOverflowed { counts, at } => {
            format!("TcpExtListenOverflows says so: {counts} ({at}).")
        }
        S::QueuesDenied { counts, at } => format!(
            "TcpExtListenOverflows says otherwise: {counts} ({at}); if that was taken after the capture, the queue was not full."
        ),
        S::FilterPassed { at } => format!("The reverse path filter dropped nothing ({at})."),
        S::FilterOff { at } => format!("The reverse path filter is off ({at})."),
        S::FilterDropped { packets, found, at } => {
            let who = if *found { "It" } else { "The reverse path filter" };
            format!("{who} dropped {packets} packets since boot ({at}).")
        }
        S::FilterOn { at } => format!("It is on ({at})."),
        S::FirewallIsLeft => "What is left is a firewall on the host.".to_owned(),
        S::Recycling { on: true, at } => format!("It is on ({at})."),
        S::Recycling { on: false, at } => {
            format!("When its settings were taken, it was off ({at}).")
        }
        S::ForgetsAfter { seconds, at } => {
            format!("Its timeout is {seconds} s ({at}): it forgets them sooner.")
        }
        S::KeepsFor { seconds, at } => format!(
            "IPVS keeps them for {seconds} s ({at}), longer than they were silent: another device forgets them, or the setting was changed since."
        ),
        S::RouteLeads { server, via, at } => format!(
            "The route of {server} at {at} does lead to the director, {via}: it was changed since, or a policy rule or another table goes first."
        ),
        S::RouteLeadsElsewhere { server, client, via, at } => {
            format!("The gateway of {server} towards {client} is {via} ({at}).")
        }
        S::RoutesLead { at } => {
            format!("The real servers' routes lead to the director ({at}).")
        }
        S::RoutesLeadElsewhere { client, at } => {
            format!("The real servers' routes to {client} do not lead to the director ({at}).")
        }
        S::ProxyArp { value, at } => format!("Its proxy_arp is {value} ({at})."),
        S::ArpIgnore { server, value, at } => {
            let what = match value {
                0 => "so it answers ARP for addresses of any interface",
                _ => "so it was set after the neighbours had learnt, or the VIP is not on lo",
            };
            format!("arp_ignore of {server} is {value}, {what} ({at}).")
        }
        S::Balances { vip, at } => format!("The director is the host that balances {vip} ({at})."),
        S::Tracked { who, count, most, at } => {
            format!("{who} tracks {count} of at most {most} connections ({at}).")
        }
        S::RoomLeft => "The table had room when it was asked: either it was full before, or a rule drops new connections.".to_owned(),
        S::Filtered { server, packets, policy, reject, at } => {
            let who = if *policy { "The policy of the packet filter" } else { "A rule of the packet filter" };
            let what = if *reject { "rejected" } else { "dropped" };
            format!("{who} on {server} {what} {packets} packets ({at}).")
        }
        S::FilterLetPass { at } => {
            format!("No rule of the packet filter stopped such packets ({at}).")
        }
        S::QueueIsFull { waiting, most, at } => format!(
            "The accept queue is full: {waiting} connections wait where {most} may ({at})."
        ),
        S::NobodyListens { port, at } => {
            format!("The list of sockets has none for port {port} ({at}).")
        }
        S::Listens { port, at } => format!(
            "A socket listens on port {port} ({at}): it was opened after the capture, or something before it refuses."
        ),
        S::Destinations { who, none: true, at } => {
            format!("The table of {who} has no real server with a weight for it ({at}).")
        }
        S::Destinations { who, none: false, at } => format!(
            "The table of {who} has real servers for it ({at}): if that was taken after the capture, they were added since."
        ),
        S::Endpoint { server, of, ready: true, at } => {
            format!("The cluster lists {server} as a ready endpoint of {of} ({at}).")
        }
        S::Endpoint { server, of, ready: false, at } => format!(
            "The cluster lists {server} as an endpoint of {of} that is not ready ({at}): who sends there goes by an older list."
        ),
        S::NoEndpoint { server, of, listed, at } => format!(
            "The cluster lists {} for {of} ({at}), and {server} is none of them: who sends there goes by an older list or entry, if that was not made since.",
            count(*listed, "endpoint")
        ),
        S::Proxied { name, how, at } => format!("The proxy has it as {name}, {how} ({at})."),
        S::Logged { client, status, tries, ended, waits, at } => {
            let status = if *status > 0 { format!(" with status {status}") } else { String::new() };
            let asked = if tries.is_empty() { String::new() } else { format!(", asked {}", list(tries)) };
            let meant = ended.as_deref().and_then(proxy_log::ended);
            let ended = ended.as_ref().map_or_else(String::new, |e| format!(", ended {e}"));
            let meant = meant.map_or_else(String::new, |words| format!(": {words}"));
            let slow = proxy_log::slow(waits).map_or_else(String::new, |s| format!(" {s}"));
            format!("The proxy logged the request of {client}{status}{asked}{ended}{meant} ({at}).{slow}")
        }
        S::Dropped { by, from, to, count, at } => {
            let often = if *count > 1 { format!(", {count} times") } else { String::new() };
            format!("{from} > {to} was dropped by {by}{often} ({at}).")
        }
        S::Counts { who, device, counter, value, at } => {
            let of = device.as_ref().map_or_else(String::new, |d| format!(" at {d}"));
            format!("{who} counts {value} under {counter}{of} since boot ({at}): if it grows with the losses, that is the place.")
        }
        S::Offload { name, device, on, at } => {
            let of = device.as_ref().map_or_else(String::new, |d| format!(" of {d}"));
            format!("{name}{of} is {} ({at}).", if *on { "on" } else { "off" })
        }
        S::InsertFailed { count, at } => {
            format!("Netfilter could not enter {count} connections (insert_failed, {at}).")
        }
        // The title says it.
        S::FilterIsTheReason => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_reason_picks_the_title_and_sentences_follow() {
        let mut finding = Finding::cause("rs-silent", "silent".to_owned(), "It is.".to_owned());
        finding.titles = vec![(Settled::FilterIsTheReason, "filtered".to_owned())];
        finding.settled = vec![Settled::FilterOn { at: "rs1:3".to_owned() }];
        let mut undecided = finding.clone();
        tell(&mut undecided);
        assert_eq!(
            (undecided.title.as_str(), undecided.explanation.as_str()),
            ("silent", "It is. It is on (rs1:3).")
        );
        finding.settled.push(Settled::FilterIsTheReason);
        tell(&mut finding);
        assert_eq!(
            (finding.title.as_str(), finding.explanation.as_str()),
            ("filtered", "It is. It is on (rs1:3).")
        );
    }
}
