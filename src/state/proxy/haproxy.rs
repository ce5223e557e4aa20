//! haproxy's own words (management guide, section 9): `show stat`, `show servers state`, `show sess
//! all`.

use crate::state::context::{Block, Cx, ProxySession};
use crate::state::records::{ProxyServer, Session};
use crate::state::text::endpoint;

/// The heads of the tables, which begin like a comment.
pub(in crate::state) fn heading(cx: &mut Cx<'_>, line: &str) -> bool {
    if line.starts_with("# pxname,svname,") {
        let names = line[2..].split(',').map(str::to_owned).collect();
        cx.block = Block::ProxyStat(names);
    } else if line.starts_with("# be_id be_name srv_id ") {
        let names = line[2..].split_whitespace().map(str::to_owned).collect();
        cx.block = Block::ProxyState(names);
    } else {
        return false;
    }
    true
}

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    match std::mem::take(&mut cx.block) {
        Block::ProxyStat(names) if line.contains(',') => {
            stat(cx, &names, line);
            cx.block = Block::ProxyStat(names);
            true
        }
        Block::ProxyState(names) if words.len() > 8 => {
            server(cx, &names, words);
            cx.block = Block::ProxyState(names);
            true
        }
        Block::Session(open) if line.starts_with(' ') => {
            session(cx, open, words);
            true
        }
        other => {
            cx.block = other;
            begins(cx, words)
        }
    }
}

fn column<'a>(names: &[String], fields: &[&'a str], name: &str) -> Option<&'a str> {
    let at = names.iter().position(|known| known == name)?;
    fields.get(at).copied().filter(|field| !field.is_empty() && *field != "-")
}

fn stat(cx: &mut Cx<'_>, names: &[String], line: &str) {
    let fields: Vec<&str> = line.split(',').collect();
    let of = |name| column(names, &fields, name);
    let (Some(proxy), Some(server)) = (of("pxname"), of("svname")) else { return };
    if matches!(server, "FRONTEND" | "BACKEND") {
        return;
    }
    let status = of("status").unwrap_or("");
    let up = match status.split(' ').next() {
        Some("UP" | "NOLB") => Some(true),
        Some("DOWN") => Some(false),
        _ => None,
    };
    let row = ProxyServer {
        name: format!("{proxy}/{server}"),
        address: of("addr").and_then(endpoint),
        weight: of("weight").and_then(|w| w.parse().ok()),
        up,
        maintenance: status.starts_with("MAINT") || status.starts_with("DRAIN"),
        at: cx.at,
    };
    cx.keep(row);
}

fn server(cx: &mut Cx<'_>, names: &[String], words: &[&str]) {
    let of = |name| column(names, words, name);
    let (Some(backend), Some(name)) = (of("be_name"), of("srv_name")) else { return };
    let port = of("srv_port").and_then(|p| p.parse().ok()).unwrap_or(0);
    let address = of("srv_addr").and_then(crate::state::text::ip).map(|ip| (ip, port));
    let number = |name| of(name).and_then(|n| n.parse::<u32>().ok());
    let row = ProxyServer {
        name: format!("{backend}/{name}"),
        address,
        weight: number("srv_uweight"),
        // SRV_ST_STOPPED is 0 (server-t.h).
        up: number("srv_op_state").map(|state| state != 0),
        // Any flag of SRV_ADMF_* takes it out.
        maintenance: number("srv_admin_state").is_some_and(|state| state != 0),
        at: cx.at,
    };
    cx.keep(row);
}

/// `0x558cb7c24380: [28/Nov/2026:21:12:08.272624] id=0 proto=tcpv4 source=127.0.0.1:52376`
fn begins(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let [address, rest @ ..] = words else { return false };
    let is_address = address.starts_with("0x") && address.ends_with(':');
    if !is_address || !rest.iter().any(|word| word.starts_with("proto=")) {
        return false;
    }
    let source = rest.iter().find_map(|word| word.strip_prefix("source=").and_then(endpoint));
    // `show sess` without `all` names the client alone.
    if rest.iter().any(|word| word.starts_with("source=")) {
        cx.block = Block::Session(ProxySession { source, ..ProxySession::default() });
    }
    true
}

fn session(cx: &mut Cx<'_>, mut open: ProxySession, words: &[&str]) {
    let first = words.first().copied().unwrap_or("");
    let stages = [("frontend=", 1), ("backend=", 2), ("server=", 3)];
    if let Some((_, stage)) = stages.iter().find(|(name, _)| first.starts_with(name)) {
        open.stage = *stage;
        let found = words.iter().find_map(|word| word.strip_prefix("addr=").and_then(endpoint));
        match stage {
            1 => open.front = found,
            2 => open.own = found,
            _ => open.server = found,
        }
        if let (3, Some(client), Some(front), Some(own), Some(server)) =
            (*stage, open.source, open.front, open.own, open.server)
        {
            let row = Session { front: (client, front), back: (own, server), at: cx.at };
            cx.keep(row);
        }
    }
    cx.block = Block::Session(open);
}

#[cfg(test)]
mod tests {
    use super::endpoint;
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn servers_are_read_from_both_tables() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "# pxname,svname,qcur,status,weight,addr,\nweb,FRONTEND,,OPEN,,,\napp,s1,0,UP,1,10.9.0.1:80,\napp,s2,0,DOWN,1,10.9.0.2:8111,\napp,s3,0,MAINT,0,10.9.0.1:80,\napp,BACKEND,0,UP,1,,\n\n1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port\n3 app 2 s2 10.9.0.2 0 0 1 1 8111\n",
        );
        assert!(state.notes.len() <= 1, "{:?}", state.notes);
        let seen: Vec<_> =
            state.proxy_servers.iter().map(|s| (s.up, s.maintenance, s.weight)).collect();
        assert_eq!(
            seen,
            [
                (Some(true), false, Some(1)),
                (Some(false), false, Some(1)),
                (None, true, Some(0)),
                (Some(false), false, Some(1)),
            ]
        );
        assert_eq!(state.proxy_servers[3].address, endpoint("10.9.0.2:8111"));
    }

    #[test]
    fn sessions_name_both_sides() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "0x558cb7c24380: [28/Nov/2026:21:12:08.272624] id=0 proto=tcpv4 source=127.0.0.1:52376\n  flags=0xc4a, conn_retries=0\n  frontend=web (id=2 mode=http), listener=? (id=1) addr=127.0.0.1:9000\n  backend=app (id=3 mode=http) addr=127.0.0.1:60750\n  server=s1 (id=1) addr=127.0.0.2:8101\n  task=0x558cb7d3f7b0 (state=0x00)\n0x558cb7d400d0: [28/Nov/2026:21:12:08.778241] id=1 proto=unix_stream source=unix:1\n  frontend=GLOBAL (id=0 mode=tcp), listener=? (id=1) addr=unix:1\n  server=<NONE> (id=-1)\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [session] = &state.sessions[..] else { panic!("{:?}", state.sessions) };
        assert_eq!(Some(session.front.0), endpoint("127.0.0.1:52376"));
        assert_eq!(Some(session.back.0), endpoint("127.0.0.1:60750"));
        assert_eq!(Some(session.back.1), endpoint("127.0.0.2:8101"));
    }
}
