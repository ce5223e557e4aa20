//! `sysctl -a`: settings that matter to a balancer or its real servers.

use crate::state::context::Cx;
use crate::state::model::{MAX_VALUES, Told};

/// Last parts of the names that are kept.
const LAST: [&str; 12] = [
    "rp_filter",
    "arp_ignore",
    "arp_announce",
    "arp_filter",
    "proxy_arp",
    "ip_forward",
    "forwarding",
    "accept_local",
    "tcp_tw_recycle",
    "tcp_tw_reuse",
    "tcp_timestamps",
    "somaxconn",
];
/// Beginnings of names that are kept.
const FIRST: [&str; 3] = ["net.ipv4.vs.", "net.netfilter.nf_conntrack_", "net.nf_conntrack_"];
/// Single names.
const WHOLE: [&str; 3] =
    ["net.ipv4.tcp_max_syn_backlog", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"];

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    // What it could not read goes to standard error, which may be in the file.
    if words.first() == Some(&"sysctl:") {
        return true;
    }
    let whole;
    let (name, values) = match words {
        [name, "=", values @ ..] => (*name, values.join(" ")),
        [pair] if pair.contains('=') => match pair.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => return false,
        },
        // `grep . /proc/sys/net/ipv4/ip_forward` and the like.
        [first, more @ ..] if first.starts_with("/proc/sys/") => {
            let Some((path, value)) = first["/proc/sys/".len()..].split_once(':') else {
                return false;
            };
            whole = path.replace('.', "\0").replace('/', ".").replace('\0', "/");
            let values: Vec<&str> = std::iter::once(value).chain(more.iter().copied()).collect();
            (whole.as_str(), values.join(" "))
        }
        _ => return false,
    };
    if !is_name(name) {
        return false;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let kept = LAST.contains(&last)
        || WHOLE.contains(&name)
        || FIRST.iter().any(|first| name.starts_with(first));
    if kept {
        if cx.state.sysctls.len() >= MAX_VALUES {
            cx.full("settings");
            return true;
        }
        let at = cx.at;
        cx.state.sysctls.insert(name.to_owned(), Told { value: values, at });
    }
    true
}

fn is_name(name: &str) -> bool {
    let part = |p: &str| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/@:+".contains(&b))
    };
    name.contains('.')
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn what_matters_is_kept() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.eth0/100.arp_ignore = 2\nnet.ipv4.vs.expire_nodest_conn = 0\nkernel.hostname = web\nnet.ipv4.ip_local_port_range = 32768\t60999\nsysctl: permission denied on key 'x'\nfs.binfmt_misc.python3.11 = \n",
        );
        parse(&mut state, "b", "/proc/sys/net/ipv4/conf/eth0.7/rp_filter:2\n");
        assert_eq!(state.sysctls.remove("net.ipv4.conf.eth0/7.rp_filter").unwrap().value, "2");
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let value = |name: &str| state.sysctls.get(name).map(|t| t.value.as_str());
        assert_eq!(value("net.ipv4.conf.all.rp_filter"), Some("1"));
        assert_eq!(value("net.ipv4.conf.eth0/100.arp_ignore"), Some("2"));
        assert_eq!(value("net.ipv4.vs.expire_nodest_conn"), Some("0"));
        assert_eq!(value("net.ipv4.ip_local_port_range"), Some("32768 60999"));
        assert_eq!(state.sysctls.len(), 4);
    }
}
