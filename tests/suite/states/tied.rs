//! What tables of connections, clusters and proxies say of single connections and servers.

use super::{captures, folder, found, run, texts};
use crate::support::run::run_with;
use lbdiag::report::Report;
use lbdiag::state::HostState;

/// The client's capture and the real servers', between which a proxy stands.
fn both_sides_of_a_proxy(states: Vec<HostState>) -> Report {
    run_with(&captures("healthy-l7-haproxy", &["client", "rs"]), states).report
}

#[test]
fn a_table_that_names_both_sides_ties_them() {
    let report = both_sides_of_a_proxy(Vec::new());
    let front = report.connections.iter().find(|c| c.service.starts_with("203.0.113.8:")).unwrap();
    let back = report.connections.iter().find(|c| c.service.starts_with("172.16.0.")).unwrap();
    let session = format!(
        "0x558cb7c24380: [28/Nov/2026:21:12:08.272624] id=0 proto=tcpv4 source={}\n  frontend=web (id=2 mode=http), listener=? (id=1) addr={}\n  backend=app (id=3 mode=http) addr={}\n  server=s1 (id=1) addr={}\n",
        front.client, front.service, back.client, back.service
    );
    let tied = |report: &Report, words: &str| {
        report
            .connections
            .iter()
            .any(|c| c.client == front.client && c.evidence.iter().any(|e| e.contains(words)))
    };
    let with = both_sides_of_a_proxy(texts(&[("lb", &session)]));
    assert!(tied(&with, "the proxy's own table"));
    let ends = |text: &str| {
        let (ip, port) = text.rsplit_once(':').unwrap();
        (ip.to_owned(), port.to_owned())
    };
    let ((cip, cport), (vip, vport)) = (ends(&front.client), ends(&front.service));
    let ((lip, lport), (sip, sport)) = (ends(&back.client), ends(&back.service));
    let entry = format!(
        "tcp      6 117 ESTABLISHED src={cip} dst={vip} sport={cport} dport={vport} src={sip} dst={lip} sport={sport} dport={lport} [ASSURED] mark=0 use=1\n"
    );
    let with = both_sides_of_a_proxy(texts(&[("lb", &entry)]));
    assert!(tied(&with, "own table of connections"));
}

/// What the client's capture alone says of each connection's real server, with its evidence.
fn servers_seen_by_the_client(states: Vec<HostState>) -> Vec<(Option<String>, String)> {
    let run = run_with(&captures("healthy-dr", &["client"]), states);
    let of = |c: &lbdiag::report::Connection| {
        let server = c.real_server.as_ref().and_then(|s| s.address.clone());
        (server, c.evidence.join("; "))
    };
    run.report.connections.iter().map(of).collect()
}

#[test]
fn the_directors_table_names_the_server_that_a_capture_does_not_show() {
    let director: Vec<HostState> =
        folder("healthy-dr").into_iter().filter(|state| !state.entries.is_empty()).collect();
    let entries = director[0].entries.len();
    assert!(servers_seen_by_the_client(Vec::new()).iter().all(|(server, _)| server.is_none()));
    let with = servers_seen_by_the_client(director);
    let told: Vec<_> = with.iter().filter(|(server, _)| server.is_some()).collect();
    assert_eq!(told.len(), entries);
    assert!(told.iter().all(|(_, evidence)| evidence.contains("connection table")));
    let first = |address: &str| told.iter().filter(|(s, _)| s.as_deref() == Some(address)).count();
    assert_eq!((first("172.16.0.11"), first("172.16.0.12")), (3, 3));
}

#[test]
fn entries_that_contradict_each_other_name_none() {
    let table = "-A -t 172.16.0.8:80 -s rr\nTCP 01:58 FIN_WAIT 188.88.88.10:41182 172.16.0.8:80 172.16.0.12:80\nTCP 01:58 FIN_WAIT 188.88.88.10:41182 172.16.0.8:80 172.16.0.11:80\n";
    let with = servers_seen_by_the_client(texts(&[("director", table)]));
    assert!(with.iter().all(|(server, _)| server.is_none()));
}

/// Tables of a cluster: one service, and its endpoints.
fn cluster(endpoints: &str) -> Vec<HostState> {
    let services = "NAMESPACE NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR\nshop web LoadBalancer 10.96.1.1 203.0.113.8 80:30080/TCP 3d app=web\n";
    let slices = format!(
        "NAMESPACE NAME ADDRESSTYPE PORTS ENDPOINTS AGE\nshop web-x1 IPv4 8000 {endpoints} 3d\n"
    );
    texts(&[("kubectl", &format!("{services}\n{slices}"))])
}

#[test]
fn a_list_of_endpoints_tells_who_is_none() {
    let of = |endpoints: &str| {
        let report = run("rs-port-closed", cluster(endpoints)).report;
        found(&report, "connection-refused").explanation.clone()
    };
    let gone = of("172.16.0.11");
    assert!(gone.contains("172.16.0.12:8000 is none of them"), "{gone}");
    assert!(gone.contains("kubectl:2"), "{gone}");
    let there = of("172.16.0.11,172.16.0.12");
    assert!(there.contains("172.16.0.12:8000 as a ready endpoint of shop/web"), "{there}");
    let unsaid = run("rs-port-closed", Vec::new()).report;
    assert!(!found(&unsaid, "connection-refused").explanation.contains("endpoint"));
}

#[test]
fn a_proxy_says_how_it_has_a_server_and_how_a_request_went() {
    let state = "# pxname,svname,qcur,status,weight,addr,\napp,s1,0,UP,1,172.16.0.11:8000,\napp,s2,0,DOWN,1,172.16.0.12:8000,\n";
    let log = "Nov 28 08:08:25 lb haproxy[1]: 188.88.88.10:41296 [20/Nov/2026:08:08:24.100] web app/s2 0/0/-1/-1/900 503 0 - - SC-- 2/2/0/0/0 0/0 \"GET / HTTP/1.1\"\n";
    let report = run("l7-backend-refused", texts(&[("stat", state), ("log", log)])).report;
    let told = &found(&report, "l7-backend-refused").explanation;
    assert!(told.contains("has it as app/s2, down (stat:3)"), "{told}");
    assert!(
        told.contains(
            "188.88.88.10:41296 with status 503, asked app/s2, ended SC--: the server closed"
        ),
        "{told}"
    );
    // What it says of others is not told of this one.
    let other = log.replace("41296", "41299");
    let report = run("l7-backend-refused", texts(&[("log", &other)])).report;
    assert!(!found(&report, "l7-backend-refused").explanation.contains("logged"));
}
