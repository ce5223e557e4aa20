//! What ipvsadm(8) says beside its tables: `-L --timeout` and `-L --daemon`.

use crate::state::context::Cx;
use crate::state::model::Told;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["Timeout", "(tcp", "tcpfin", "udp):", tcp, fin, udp] => {
            let at = cx.at;
            for (name, value) in [("tcp", tcp), ("tcpfin", fin), ("udp", udp)] {
                if let Ok(value) = value.parse() {
                    cx.state.counters.insert(format!("ipvs-timeout-{name}"), Told { value, at });
                }
            }
            true
        }
        ["master" | "backup", "sync", "daemon", ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    // After ipvsadm.c; the kernels at hand have no ip_vs.
    #[test]
    fn timeouts_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "Timeout (tcp tcpfin udp): 900 120 300\nmaster sync daemon (mcast=eth0, syncid=1)\n",
        );
        assert_eq!((state.counters["ipvs-timeout-tcpfin"].value, state.notes.len()), (120, 0));
    }
}
