//! Captures planned before there are any: every filter is one that libpcap takes, and
//! the script does what it says, here with stand-ins for ssh and tcpdump.

use crate::support::program::{code, printed, run};
use crate::support::tools;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const SERVICE: [&str; 5] = ["plan", "--vip", "203.0.113.8", "--port", "80"];
const HOSTS: [&str; 8] = [
    "--director",
    "root@lb1=10.0.0.5",
    "--real-server",
    "10.0.0.11",
    "--real-server",
    "web-b=10.0.0.12",
    "--client",
    "198.51.100.7",
];

fn planned(more: &[&str]) -> String {
    printed(&[&SERVICE[..], &HOSTS[..], more].concat())
}

const MODES: [&str; 6] = ["nat", "dr", "tun", "fullnat", "proxy", "unknown"];

#[test]
fn libpcap_takes_every_filter() {
    if tools::tool("tcpdump").is_none() {
        return;
    }
    let mut seen = 0;
    for mode in MODES {
        for hosts in [&HOSTS[..], &[]] {
            for more in [&[][..], &["--udp"], &["--server-port", "8080"]] {
                let args = [&SERVICE[..], hosts, &["--mode", mode, "--format", "json"], more];
                let plan: serde_json::Value =
                    serde_json::from_str(&printed(&args.concat())).unwrap();
                let filter = plan["filter"].as_str().unwrap();
                // -d compiles for a link type of a file.
                let sample = "samples/healthy-nat/director.pcap";
                let mut tcpdump = Command::new("tcpdump");
                let compiled = tcpdump.args(["-r", sample, "-d", filter]).output().unwrap();
                assert!(compiled.status.success(), "{filter}: {compiled:?}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 36);
}

#[test]
fn the_text_names_each_host_with_its_command() {
    let text = planned(&["--mode", "dr"]);
    for said in [
        "on root@lb1, director",
        "on 10.0.0.11, real server",
        "on web-b, real server",
        "-w lb1.pcap",
        "-w rs1.pcap",
        "-w web-b.pcap",
        "ip -o route get 10.0.0.5",
        "ipvsadm -Lnc",
        "lbdiag captures/ --vip 203.0.113.8 --host-state state/",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
}

/// Puts a stand-in for a program into a folder.
fn stand_in(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run_script(dir: &Path, script: &str) -> Output {
    std::fs::write(dir.join("take.sh"), script).unwrap();
    let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["take.sh", "1"]).current_dir(dir).env("PATH", path);
    shell.output().unwrap()
}

#[test]
fn the_script_takes_all_captures_at_once_and_asks_the_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    // ssh runs the command here, in a shell as the far side would.
    stand_in(
        &bin,
        "ssh",
        "while [ \"$1\" = -o ]; do shift 2; done\n[ \"$1\" = -- ] && shift\nFAR=$1; export FAR; shift\nexec sh -c \"$*\"",
    );
    stand_in(&bin, "sudo", "shift\nexec \"$@\"");
    stand_in(&bin, "timeout", "shift 3\nexec \"$@\"");
    stand_in(
        &bin,
        "tcpdump",
        "echo \"listening on x\" >&2\nfor word; do echo \"$FAR: $word\"; done",
    );
    stand_in(&bin, "ip", "echo \"10.0.0.11 dev eth7 src 10.0.0.5 uid 0\"");
    for tool in ["ipvsadm", "sysctl", "nstat"] {
        stand_in(&bin, tool, &format!("echo {tool} \"$@\""));
    }
    let output = run_script(dir.path(), &planned(&["--mode", "dr", "--format", "script"]));
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let folder = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.display().to_string().contains("captures-"))
        .unwrap();
    assert!(said.contains("lbdiag captures-"), "{said}");
    for (capture, host) in
        [("lb1", "root@lb1"), ("rs1", "10.0.0.11"), ("web-b", "web-b"), ("client", "198.51.100.7")]
    {
        let words = std::fs::read_to_string(folder.join(format!("{capture}.pcap"))).unwrap();
        let has = |word: &str| words.lines().any(|line| line == format!("{host}: {word}"));
        assert!(has("eth7") && has("128") && has("-U"), "{capture}: {words}");
        let filter = "(host 203.0.113.8 and port 80) or ((host 10.0.0.11 or host 10.0.0.12) and port 80) or icmp or icmp6 or arp or proto 112";
        assert!(has(filter), "the filter is one word: {words}");
    }
    let state = |host: &str| folder.join("state").join(host).join("state.txt");
    let director = std::fs::read_to_string(state("lb1")).unwrap();
    assert!(director.contains("ipvsadm -Lnc") && director.contains("dev eth7"), "{director}");
    assert!(std::fs::read_to_string(state("web-b")).unwrap().contains("nstat -az"));
    assert!(!state("client").exists());
}

#[test]
fn a_host_that_cannot_capture_is_told_and_none_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = planned(&["--mode", "dr", "--format", "script"]);
    let one = "shift 3\n[ \"$1\" = web-b ] && echo listening on x >&2 || echo no sudo here >&2";
    for (ssh, fails) in [("echo no sudo here >&2", true), (one, false)] {
        stand_in(&bin, "ssh", ssh);
        let output = run_script(dir.path(), &script);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(!output.status.success(), fails, "{said}");
        assert!(said.contains("no capture of lb1: no sudo here"), "{said}");
        assert_eq!(said.contains("no host captures"), fails, "{said}");
        assert_eq!(said.contains("capturing web-b for"), !fails, "{said}");
    }
}

#[test]
fn no_host_can_begin_an_option_of_ssh() {
    let station = |name: &str| lbdiag::plan::Station {
        name: Some(name.to_owned()),
        address: lbdiag::wire::Ip::from(std::net::IpAddr::from([10, 0, 0, 5])),
    };
    let known = lbdiag::plan::Known {
        vip: lbdiag::wire::Ip::from(std::net::IpAddr::from([203, 0, 113, 8])),
        port: 80,
        server_port: None,
        udp: false,
        mode: lbdiag::topology::Mode::Nat,
        directors: vec![station("-oProxyCommand=touch x")],
        real_servers: Vec::new(),
        clients: Vec::new(),
    };
    // Whoever uses the library may name a host so; ssh is told where its options end.
    let script = lbdiag::render::script(&lbdiag::plan::Plan::of(&known), 1);
    assert_eq!(script.matches("ssh ").count(), script.matches("ssh -o BatchMode=yes -- ").count());
    let refused = [&SERVICE[..], &["--director", "root@-oProxyCommand=10.0.0.5"]].concat();
    assert_eq!(code(&run(&refused)), Some(2));
}

#[test]
fn hosts_that_were_not_named_are_left_to_fill_in() {
    let dir = tempfile::tempdir().unwrap();
    let args = [&SERVICE[..], &["--mode", "nat", "--format", "script"]].concat();
    let script = printed(&args);
    assert!(script.contains("# take HOST 'director'"), "{script}");
    std::fs::write(dir.path().join("take.sh"), &script).unwrap();
    let checked = Command::new("sh").arg("-n").arg(dir.path().join("take.sh")).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
