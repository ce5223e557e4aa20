//! `nstat -az`: the kernel's counters.

use crate::state::context::Cx;
use crate::state::model::{MAX_VALUES, Told};

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    // Name, count, rate: `TcpExtListenOverflows   0   0.0`.
    let [name, count, rate] = words else { return false };
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() > 4;
    let Some(value) = count.parse::<u64>().ok().filter(|_| is_name) else { return false };
    if !rate.contains('.') || rate.parse::<f64>().is_err() {
        return false;
    }
    if cx.state.counters.len() >= MAX_VALUES {
        cx.full("counters");
        return true;
    }
    let at = cx.at;
    cx.state.counters.insert((*name).to_owned(), Told { value, at });
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn counters_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "#kernel\nIpInReceives                    12                 0.0\nTcpExtListenOverflows           7                  0.0\n",
        );
        let told = &state.counters["TcpExtListenOverflows"];
        assert_eq!((told.value, told.at.line, state.counters.len()), (7, 3, 2));
    }
}
