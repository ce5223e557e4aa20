//! Commands of sysctl(8).

use super::step::{self, Step};
use crate::diagnose::Fix;
use crate::diagnose::fix::explained;
use crate::diagnose::words::agree;

/// A kernel setting: its name, the value that mends, and the one that it has unless
/// somebody gave it another.
pub type Setting<'a> = (&'a str, &'a str, &'a str);

/// What `net.ipv4.vs.conntrack` brings with it (`ip_vs_in`, conn_reuse_mode).
pub const IPVS_CONNTRACK: &str =
    "on Linux before 5.9 a client's port that is used again then waits 1 s";

/// Sets kernel settings, after printing what they are: the way back names the values that a
/// kernel has by itself, which somebody may have changed.
#[must_use]
pub fn step(settings: &[Setting<'_>]) -> Step {
    let names: Vec<_> = settings.iter().map(|(name, ..)| *name).collect();
    let new: Vec<_> = settings.iter().map(|(name, new, _)| (*name, *new)).collect();
    let old: Vec<_> = settings.iter().map(|(name, _, old)| (*name, *old)).collect();
    let note = agree(settings.len(), "note its value", "note their values");
    let does = explained(format!("sysctl {}", names.join(" ")), note);
    let noted = agree(settings.len(), "or the value noted", "or the values noted");
    Step::new(format!("{does}\n{}", set(&new)), set(&old)).back_if(noted)
}

/// A fix that sets kernel settings and nothing else.
#[must_use]
pub fn change(host: impl Into<String>, settings: &[Setting<'_>]) -> Fix {
    step::safe(host, [step(settings)])
}

/// Keeps a host from answering and asking for an address that it has on lo or on a tunnel,
/// as a real server must in DR.
#[must_use]
pub fn quiet() -> Step {
    step(&[
        ("net.ipv4.conf.all.arp_ignore", "1", "0"),
        ("net.ipv4.conf.all.arp_announce", "2", "0"),
    ])
}

/// Sets kernel settings until the next boot.
fn set(settings: &[(&str, &str)]) -> String {
    settings.iter().fold(String::from("sysctl -w"), |line, (name, value)| {
        let quote = if value.contains(' ') { "'" } else { "" };
        format!("{line} {name}={quote}{value}{quote}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_spaces_are_quoted() {
        assert_eq!(set(&[("a.b", "1"), ("c", "0")]), "sysctl -w a.b=1 c=0");
        let line = set(&[("net.ipv4.tcp_rmem", "4096 131072 6291456")]);
        assert_eq!(line, "sysctl -w net.ipv4.tcp_rmem='4096 131072 6291456'");
    }

    #[test]
    fn every_setting_is_printed_and_set_back() {
        let fix = change("10.0.0.1", &[("a.b", "1", "0"), ("c", "2", "3")]);
        assert_eq!(fix.command, "sysctl a.b c   # note their values\nsysctl -w a.b=1 c=2");
        assert_eq!(fix.undo, "sysctl -w a.b=0 c=3   # or the values noted");
    }
}
