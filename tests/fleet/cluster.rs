//! One scheduler and two executors on loopback, started as docs/fleet.md says: the same reports.
//! `LBDIAG_FLEET_SAMPLES=1` takes every sample, else every twelfth.

use crate::same::indexed;
use crate::support::check::none;
use crate::support::expected::samples;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn lbdiag(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.args(args);
    command
}

/// A process that ends with its test.
struct Server(Child);

impl Server {
    fn start(args: &[&str]) -> Self {
        let own = lbdiag(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(own.unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports that nobody has: the first of a pair.
fn free() -> u16 {
    loop {
        let one = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = one.local_addr().unwrap().port();
        if port < 60_000 && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

struct Cluster {
    url: String,
    _scheduler: Server,
    executors: Vec<Server>,
}

impl Cluster {
    fn start() -> Self {
        let port = free();
        let address = format!("127.0.0.1:{port}");
        let scheduler = Server::start(&["fleet", "scheduler", "--bind", &address]);
        let begin = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the scheduler does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        let executor = || {
            let bind = format!("127.0.0.1:{}", free());
            let own =
                ["fleet", "executor", "--scheduler", &address, "--bind", &bind, "--cores", "1"];
            Server::start(&own)
        };
        let executors = vec![executor(), executor()];
        Self { url: format!("http://{address}"), _scheduler: scheduler, executors }
    }

    fn report(&self, folder: &Path, more: &[&str]) -> Output {
        let folder = folder.display().to_string();
        let args = ["fleet", &folder, "--json", "--scheduler", &self.url];
        lbdiag(&[&args[..], more].concat()).output().unwrap()
    }
}

fn here(folder: &Path, more: &[&str]) -> Output {
    let folder = folder.display().to_string();
    lbdiag(&[&["fleet", &folder, "--json", "-q"][..], more].concat()).output().unwrap()
}

fn single(folder: &Path) -> Output {
    lbdiag(&["--json", "-q", &folder.display().to_string()]).output().unwrap()
}

/// It has rows about links, which come to their part by two joins.
const ALWAYS: &str = "packet-loss-director-rs";

#[test]
fn a_cluster_tells_what_one_machine_tells() {
    let mut cluster = Cluster::start();
    let each = if std::env::var_os("LBDIAG_FLEET_SAMPLES").is_some() { 1 } else { 12 };
    let mut wrong = Vec::new();
    let all = samples();
    let chosen = all.iter().enumerate().filter(|(at, _)| at % each == 0);
    let chosen = chosen.map(|(_, sample)| sample);
    let always = all.iter().filter(|sample| each > 1 && sample.name == ALWAYS);
    for sample in chosen.chain(always) {
        let folder = indexed(&sample.captures);
        for parts in [&[][..], &["--whole", "0", "--part", "20"]] {
            // Of parts a choice is diagnosed, the same as on one machine.
            let expected =
                if parts.is_empty() { single(folder.path()) } else { here(folder.path(), parts) };
            let given = cluster.report(folder.path(), parts);
            if given.stdout != expected.stdout {
                let said = String::from_utf8_lossy(&given.stderr);
                wrong.push(format!("{} {parts:?}: another report {said}", sample.name));
            }
        }
    }
    // What hosts say travels to the executors, and what is to be replaced.
    let told = crate::support::expected::root().join("tests/states/healthy-nat");
    let told = told.display().to_string();
    let folder = indexed(&[crate::support::expected::root().join("samples/healthy-nat")]);
    for more in [&["--redact"][..], &["--format", "html"], &["--whole", "0", "--part", "20"]] {
        let asked = [&["--host-state", &told], more].concat();
        if cluster.report(folder.path(), &asked).stdout != here(folder.path(), &asked).stdout {
            wrong.push(format!("{asked:?}: another report"));
        }
    }
    // An executor that is lost costs a retry.
    cluster.executors.pop();
    if let Some(sample) = samples().first() {
        let folder = indexed(&sample.captures);
        let given = cluster.report(folder.path(), &["--whole", "0", "--part", "20"]);
        if given.stdout != single(folder.path()).stdout {
            let said = String::from_utf8_lossy(&given.stderr);
            wrong.push(format!("{} with one executor lost: {said}", sample.name));
        }
    }
    none(wrong);
}

/// Killed while it works, it does not say that it goes.
#[test]
fn an_executor_that_is_lost_at_work_costs_a_retry() {
    let samples = samples();
    let sample = samples.iter().find(|sample| sample.name == ALWAYS).unwrap();
    let folder = indexed(&sample.captures);
    let parts = ["--whole", "0", "--part", "20"];
    let expected = here(folder.path(), &parts);
    for wait in [300, 900] {
        let mut cluster = Cluster::start();
        let out = folder.path().join("out.json");
        let (tables, to) = (folder.path().display().to_string(), out.display().to_string());
        let args = ["fleet", &tables, "--json", "-q", "-o", &to, "--scheduler", &cluster.url];
        let mut asked = Server(lbdiag(&[&args[..], &parts].concat()).spawn().unwrap());
        std::thread::sleep(Duration::from_millis(wait));
        cluster.executors.pop();
        let begin = Instant::now();
        while asked.0.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(150), "lost after {wait} ms: no answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        let given = std::fs::read(&out).unwrap_or_default();
        assert!(given == expected.stdout, "lost after {wait} ms: another report");
        std::fs::remove_file(out).unwrap();
    }
}

#[test]
fn a_scheduler_that_is_not_there_is_said() {
    let folder = indexed(&samples()[0].captures);
    let folder = folder.path().display().to_string();
    let url = format!("http://127.0.0.1:{}", free());
    let output = lbdiag(&["fleet", &folder, "--scheduler", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("error:") && !said.contains("panicked"), "{said}");
}
