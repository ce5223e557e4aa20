//! `ipvsadm -Sn`: the table as commands that would build it (ipvsadm(8)).

use super::ipvs_table::{server, service};
use crate::state::context::Cx;
use crate::state::model::{Forwarding, Front, StatedServer, Tunnel};
use crate::state::text::{after, endpoint};
use crate::wire::Protocol;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    // `ipvsadm -A ...` is what a script says.
    let words = words.strip_prefix(&["ipvsadm"]).unwrap_or(words);
    let adds_server = match words.first() {
        Some(&"-A") => false,
        Some(&"-a") => true,
        _ => return false,
    };
    let Some(front) = front(words) else {
        cx.note("names instead of addresses and ports; save it with ipvsadm -Sn");
        return true;
    };
    let at = service(cx, front, false);
    let Some(at) = at else { return true };
    if !adds_server {
        let known = &mut cx.state.services[at];
        known.scheduler = after(words, "-s").map(str::to_owned).or(known.scheduler.take());
        if words.contains(&"-p") {
            // The default of ipvsadm(8) is 300 s.
            known.persistence =
                Some(after(words, "-p").and_then(|w| w.parse().ok()).unwrap_or(300));
        }
        return true;
    }
    let Some((address, port)) = after(words, "-r").and_then(endpoint) else {
        cx.note("a real server by name; save it with ipvsadm -Sn");
        return true;
    };
    let forwarding = if words.contains(&"-m") {
        Some(Forwarding::Masquerading)
    } else if words.contains(&"-g") {
        Some(Forwarding::Direct)
    } else if words.contains(&"-i") {
        Some(Forwarding::Tunnel(match after(words, "--tun-type") {
            Some("gue") => Tunnel::Gue,
            Some("gre") => Tunnel::Gre,
            _ => Tunnel::Ipip,
        }))
    } else {
        words.contains(&"-b").then_some(Forwarding::FullNat)
    };
    let weight = after(words, "-w").and_then(|w| w.parse().ok());
    let place = cx.at;
    server(
        cx,
        at,
        StatedServer { address, port, weight, forwarding, active: None, inactive: None, at: place },
    );
    true
}

fn front(words: &[&str]) -> Option<Front> {
    let protocols =
        [("-t", Protocol::TCP), ("-u", Protocol::UDP), ("--sctp-service", Protocol(132))];
    for (option, protocol) in protocols {
        if let Some(text) = after(words, option) {
            let (vip, port) = endpoint(text)?;
            return Some(Front::Address { vip, port, protocol });
        }
    }
    after(words, "-f").and_then(|mark| mark.parse().ok()).map(Front::Mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::Ip;

    fn read(text: &str) -> HostState {
        let mut state = HostState::default();
        parse(&mut state, "a", text);
        state
    }

    #[test]
    fn services_and_servers_are_read() {
        let state = read(
            "-A -t 203.0.113.8:80 -s wlc -p 360\n-a -t 203.0.113.8:80 -r 172.16.0.11:8000 -m -w 3\n-a -t 203.0.113.8:80 -r 172.16.0.12:8000 -i -w 0 --tun-type gue --tun-port 6080 --tun-nocsum\n-A -u [2001:db8::8]:53 -s rr\n-A -f 7 -s sh\n",
        );
        assert_eq!(state.services.len(), 3);
        let web = &state.services[0];
        assert_eq!(
            web.front,
            Front::Address { vip: Ip::v4([203, 0, 113, 8]), port: 80, protocol: Protocol::TCP }
        );
        assert_eq!((web.scheduler.as_deref(), web.persistence), (Some("wlc"), Some(360)));
        assert_eq!(web.servers[0].forwarding, Some(Forwarding::Masquerading));
        assert_eq!((web.servers[0].weight, web.servers[0].port), (Some(3), 8000));
        assert_eq!(web.servers[1].forwarding, Some(Forwarding::Tunnel(Tunnel::Gue)));
        assert_eq!(web.servers[1].weight, Some(0));
        assert_eq!((web.servers[1].at.line, state.services[2].front), (3, Front::Mark(7)));
        assert!(state.notes.is_empty(), "{:?}", state.notes);
    }

    #[test]
    fn names_are_no_addresses() {
        let state = read("-A -t lb.example:http -s rr\n-a -t 10.0.0.8:80 -r web1:http -g -w 1\n");
        assert!(state.services.iter().all(|s| s.servers.is_empty()));
        assert!(state.notes.iter().all(|n| n.ends_with("ipvsadm -Sn")) && state.notes.len() == 2);
    }
}
