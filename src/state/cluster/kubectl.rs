//! Tables of kubectl: `get svc`, `get endpointslices`, `get nodes`, `get pods`, with `-o wide` and
//! without, with `-A` and without. Written after kubectl's printers; none was at hand.

use crate::state::cluster::{ClusterService, Endpoint};
use crate::state::context::{Block, Cx, KubectlTable};
use crate::state::model::{MAX_SERVICES, keep};
use crate::state::text::{ip, protocol};
use crate::wire::Ip;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let spaces = words.first() == Some(&"NAMESPACE");
    let heads = if spaces { &words[1..] } else { words };
    let table = match heads {
        ["NAME", "TYPE", "CLUSTER-IP", ..] => Some(KubectlTable::Services { spaces }),
        ["NAME", "ADDRESSTYPE", ..] => Some(KubectlTable::Slices { spaces }),
        ["NAME", "STATUS", "ROLES", ..] => Some(KubectlTable::Nodes),
        ["NAME", "READY", "STATUS", ..] => Some(KubectlTable::Pods),
        _ => None,
    };
    if let Some(table) = table {
        cx.block = Block::Kubectl(table);
        return true;
    }
    let Block::Kubectl(table) = cx.block else { return false };
    match table {
        KubectlTable::Services { spaces } => services(cx, words, spaces),
        KubectlTable::Slices { spaces } => slices(cx, words, spaces),
        KubectlTable::Nodes => {
            // The first address of `-o wide` is the internal one.
            let ready = words.get(1).is_some_and(|word| word.contains("Ready"));
            let address = words.iter().find_map(|w| ip(w)).filter(|_| ready);
            if let (Some(name), Some(ip)) = (words.first(), address) {
                keep(&mut cx.state.cluster.nodes, MAX_SERVICES, ((*name).to_owned(), ip));
            }
            words.len() >= 4 && words[1].contains("Ready")
        }
        KubectlTable::Pods => {
            words.len() >= 5 && words.iter().take(3).any(|word| word.contains('/'))
        }
    }
}

fn named<'a>(words: &'a [&'a str], spaces: bool) -> Option<((String, String), &'a [&'a str])> {
    match words {
        [space, name, rest @ ..] if spaces => {
            Some((((*space).to_owned(), (*name).to_owned()), rest))
        }
        [name, rest @ ..] if !spaces => Some(((String::new(), (*name).to_owned()), rest)),
        _ => None,
    }
}

/// `web  LoadBalancer  10.96.0.8  203.0.113.8  80:31080/TCP,443:31443/TCP  5d  app=web`
fn services(cx: &mut Cx<'_>, words: &[&str], spaces: bool) -> bool {
    let Some((name, [_kind, cluster, external, listed, ..])) = named(words, spaces) else {
        return false;
    };
    if !listed.contains('/') && *listed != "<none>" {
        return false;
    }
    let addresses: Vec<Ip> = cluster.split(',').chain(external.split(',')).filter_map(ip).collect();
    for port in listed.split(',') {
        let Some((numbers, name_of)) = port.split_once('/') else { continue };
        let (own, node) = numbers.split_once(':').map_or((numbers, None), |(a, b)| (a, Some(b)));
        let (Ok(port), Some(protocol)) = (own.parse(), protocol(name_of)) else { continue };
        let row = ClusterService {
            name: name.clone(),
            addresses: addresses.clone(),
            port,
            node_port: node.and_then(|n| n.parse().ok()),
            port_name: String::new(),
            protocol,
            local: false,
            at: cx.at,
        };
        cx.keep(row);
    }
    true
}

/// `web-abcde  IPv4  8080,8443  10.244.1.5,10.244.2.6 + 1 more...  5d`
fn slices(cx: &mut Cx<'_>, words: &[&str], spaces: bool) -> bool {
    let Some(((space, name), [_kind, ports, endpoints, rest @ ..])) = named(words, spaces) else {
        return false;
    };
    if rest.first() == Some(&"+") {
        cx.note("kubectl cuts the list of endpoints; -o json has all of them");
    }
    // Slices are named after their service, with a part that makes the name unique.
    let service = name.rsplit_once('-').map_or(name.as_str(), |(service, _)| service);
    // Which of several ports is of which name is not printed.
    let ports: Vec<u16> = ports.split(',').filter_map(|port| port.parse().ok()).collect();
    let [port] = ports[..] else { return true };
    for address in endpoints.split(',').filter_map(ip) {
        let row = Endpoint {
            service: (space.clone(), service.to_owned()),
            port_name: None,
            address: (address, port),
            ready: true,
            node: None,
            at: cx.at,
        };
        cx.keep(row);
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn tables_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "NAMESPACE   NAME         TYPE           CLUSTER-IP   EXTERNAL-IP   PORT(S)                  AGE   SELECTOR\ndefault     kubernetes   ClusterIP      10.96.0.1    <none>        443/TCP                  90d   <none>\nshop        web          LoadBalancer   10.96.0.8    203.0.113.8   80:31080/TCP             5d    app=web\n\nNAMESPACE   NAME        ADDRESSTYPE   PORTS   ENDPOINTS                 AGE\nshop        web-abcde   IPv4          8080    10.244.1.5,10.244.2.6     5d\n\nNAME    STATUS   ROLES    AGE   VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE\nnode1   Ready    <none>   90d   v1.31.0   192.0.2.11    <none>        Debian\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        assert_eq!(state.services.len(), 3);
        assert_eq!(state.services[2].servers.len(), 2);
        assert_eq!(state.cluster.services[1].node_port, Some(31080));
        assert_eq!(state.cluster.nodes[0].0, "node1");
    }
}
