//! What a report tells somebody to do does no harm: every change is taken back by its undo,
//! commands are of the family of the traffic, and no service is left without a real server.

use crate::choices::wrong_by;
use crate::support::check::none;
use crate::support::worlds::of_worlds;
use lbdiag::report::{Finding, Fix, Report};
use std::collections::BTreeSet;

/// What names IPv4 alone, in commands for IPv6.
const OF_IPV4: &[&str] = &[
    "iptables",
    "net.ipv4.ip_forward",
    "net.ipv4.conf.",
    "TcpExtIPReversePathFilter",
    "fragmentation-needed",
];
/// The other way round.
const OF_IPV6: &[&str] = &["ip6tables", "net.ipv6.", "icmpv6", "ip -6 ", "Ip6"];

/// Whether a command has a word that begins so: `ip6tables` is no `iptables`.
fn names(command: &str, word: &str) -> bool {
    let apart = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '-');
    command.match_indices(word).any(|(at, _)| apart(&command[..at]))
}

/// The commands of some lines, without comments.
fn commands(lines: &str) -> Vec<String> {
    let lines = lines.lines().map(|line| line.split("   #").next().unwrap_or_default());
    let all = lines.flat_map(|line| line.split("; ").flat_map(|part| part.split(" && ")));
    all.map(|part| part.trim().to_owned())
        .filter(|p| !p.is_empty() && !p.starts_with('#'))
        .collect()
}

/// What one command changes and how the undo must name it.
fn wants_back(command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["sysctl", "-w", settings @ ..] => {
            let names = settings.iter().filter_map(|s| s.split_once('='));
            names.map(|(name, _)| format!("{name}=")).collect()
        }
        ["ip", "addr", "add", what, "dev", device, ..] => {
            vec![format!("ip addr del {what} dev {device}")]
        }
        ["modprobe", ..] if words.get(1) != Some(&"-r") => {
            let modules = words[1..].iter().filter(|w| !w.starts_with('-') && !w.contains('='));
            modules.map(|module| (*module).to_owned()).collect()
        }
        ["ipvsadm", "-e", ..] | ["ipvsadm", "-E", ..] => vec![words[..4].join(" ")],
        _ => Vec::new(),
    }
}

/// Kernel settings that are changed without the value before being known: neither stated,
/// so that the undo names it without a condition, nor printed first.
fn unprinted(fix: &Fix) -> Vec<String> {
    let conditional = |name: &str| {
        fix.undo.lines().any(|l| l.contains(&format!("{name}=")) && l.contains("   # "))
    };
    let mut printed = BTreeSet::new();
    let mut unprinted = Vec::new();
    for command in commands(&fix.command) {
        match command.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["sysctl", "-w", settings @ ..] => {
                let names = settings.iter().filter_map(|s| s.split_once('=')).map(|(name, _)| name);
                let unknown = names.filter(|name| conditional(name) && !printed.contains(*name));
                unprinted.extend(unknown.map(str::to_owned));
            }
            ["sysctl", names @ ..] => printed.extend(names.iter().map(|n| (*n).to_owned())),
            _ => {}
        }
    }
    unprinted
}

fn harm(fix: &Fix) -> Vec<String> {
    let mut wrong = Vec::new();
    let undo = commands(&fix.undo);
    for command in commands(&fix.command) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let flushes = words.contains(&"-F") && words[0].contains("tables");
        if command.starts_with("ipvsadm -C") || flushes || command.contains(" flush") {
            wrong.push(format!("empties a whole table: {command}"));
        }
        if words[0] == "modprobe" && !words.contains(&"-a") && !words.contains(&"-r") {
            let modules = words[1..].iter().filter(|w| !w.contains('=')).count();
            if modules > 1 {
                wrong.push(format!("loads the first module alone: {command}"));
            }
        }
        if let Some(chain) = words.iter().position(|w| matches!(*w, "-I" | "-A"))
            && words[0].ends_with("tables")
        {
            let rest = words[chain + 1..].join(" ").replace("INPUT 1 ", "INPUT ");
            let gone = undo.iter().any(|u| u.contains(&format!("-D {rest}")));
            if !gone {
                wrong.push(format!("the rule stays: {command} / {}", fix.undo));
            }
        }
        if let ["ip", "link", "set", device, "up"] = words.as_slice() {
            let ends = [format!("ip link set {device} down"), format!("ip link del {device}")];
            if !undo.iter().any(|u| ends.contains(u)) {
                wrong.push(format!("{device} stays up: {}", fix.undo));
            }
        }
        for wanted in wants_back(&command) {
            if !undo.iter().any(|u| u.contains(&wanted)) {
                wrong.push(format!("{wanted} is not taken back: {command} / {}", fix.undo));
            }
        }
    }
    // An undo that goes by what a kernel has by itself is no undo where somebody changed it.
    for name in unprinted(fix) {
        wrong.push(format!("{name} is not printed before it is set"));
    }
    if fix.undo.trim().is_empty() {
        wrong.push(format!("no undo: {}", fix.command));
    }
    wrong
}

/// Whether all connections of a finding are of one family, and which: IPv6 is `true`.
fn family(report: &Report, finding: &Finding) -> Option<bool> {
    let ids: BTreeSet<u32> = finding.affected.ids.iter().copied().collect();
    let hit = report.connections.iter().filter(|c| ids.contains(&c.id));
    let families: BTreeSet<bool> = hit.map(|c| c.client.matches(':').count() > 1).collect();
    (families.len() == 1).then(|| families.contains(&true))
}

fn of_other_family(report: &Report, finding: &Finding) -> Vec<String> {
    let Some(v6) = family(report, finding) else { return Vec::new() };
    let foreign = if v6 { OF_IPV4 } else { OF_IPV6 };
    let asked = finding.to_confirm.iter().map(|c| &c.command);
    let all = asked.chain(finding.fix.iter().flat_map(|f| [&f.command, &f.undo]));
    let of_foreign = |command: &String| foreign.iter().any(|word| names(command, word));
    all.flat_map(|lines| commands(lines))
        .filter(of_foreign)
        .map(|c| format!("family: {c}"))
        .collect()
}

/// Services whose real servers a finding gives no new connections, all of them.
fn left_alone(report: &Report, finding: &Finding) -> Vec<String> {
    let all: Vec<String> = finding.fix.iter().flat_map(|f| commands(&f.command)).collect();
    let rest = |service: &str| -> BTreeSet<String> {
        let of =
            |c: &&String| c.starts_with("ipvsadm -e") && c.ends_with("-w 0") && c.contains(service);
        let whom = |c: &String| {
            c.split(" -r ").nth(1).map(|r| r.split(' ').next().unwrap_or_default().to_owned())
        };
        all.iter().filter(of).filter_map(whom).collect()
    };
    let services = report.services.iter().filter(|s| {
        let resting = rest(&format!(" {}:{} ", s.vip, s.port));
        !resting.is_empty() && resting.len() >= s.real_servers.len()
    });
    services.map(|s| format!("all real servers of {}:{} rest", s.vip, s.port)).collect()
}

/// What is wrong with what a report tells somebody to do.
/// What is wrong with a report, a line each.
pub fn wrong(report: &Report) -> Vec<String> {
    let of = |finding: &Finding| {
        let mut wrong = finding.fix.iter().flat_map(harm).collect::<Vec<_>>();
        wrong.extend(of_other_family(report, finding));
        wrong.extend(left_alone(report, finding));
        // "on where ..." and "on whoever ..." are no places.
        let places = finding.fix.iter().map(|f| &f.host);
        let places = places.chain(finding.to_confirm.iter().map(|c| &c.host));
        let no_place = |p: &&String| p.starts_with("where ") || p.starts_with("whoever ");
        wrong.extend(places.filter(no_place).map(|p| format!("no place: {p}")));
        wrong.into_iter().map(|line| format!("{}: {line}", finding.id)).collect::<Vec<_>>()
    };
    report.findings.iter().flat_map(of).collect()
}

#[test]
fn no_fix_does_harm() {
    none(wrong_by("fixes"));
}

#[test]
fn no_fix_of_other_worlds_does_harm() {
    none(of_worlds(wrong));
}

#[test]
fn the_check_itself_finds_harm() {
    let fix = |command: &str, undo: &str| Fix {
        host: "x".to_owned(),
        command: command.to_owned(),
        effect: lbdiag::report::Effect::Safe,
        undo: undo.to_owned(),
        join: lbdiag::diagnose::Join::And,
    };
    for (command, undo) in [
        ("ipvsadm -C", "ipvsadm -R < x"),
        ("modprobe a b", "modprobe -r b a"),
        ("sysctl -w a=1 b=2", "sysctl -w a=0"),
        ("sysctl -w a=1", "sysctl -w a=0   # if it was so before"),
        ("sysctl b\nsysctl -w a=1", "sysctl -w a=0   # or the value noted"),
        ("ip addr add 1.2.3.4/32 dev lo", "sysctl -w a=0"),
        ("iptables -I INPUT 1 -p tcp -j ACCEPT", "iptables -F"),
        ("ipvsadm -e -t 1.2.3.4:80 -r 10.0.0.1:80 -g -w 0", "nothing"),
    ] {
        assert!(!harm(&fix(command, undo)).is_empty(), "{command}");
    }
    for good in [
        fix("sysctl -w a=1   # why\nmodprobe -a x y", "modprobe -r y x\nsysctl -w a=0"),
        fix("sysctl a   # note its value\nsysctl -w a=1", "sysctl -w a=0   # or the value noted"),
    ] {
        assert_eq!(harm(&good), Vec::<String>::new());
    }
}
