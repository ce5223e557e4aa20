//! A plan of captures for a terminal: what to type on each host, and what it shows.
//!
//! Commands are whole, so that they can be pasted. Captures go round a ring of files: one
//! that is left running fills no disk.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{verbatim, wrap};
use crate::plan::{Listen, Plan, Task};
use crate::topology::Role;

/// A ring of ten files of 100 MB (tcpdump(1), -C and -W).
const RING: &str = "-C 100 -W 10 -Z root";

/// The plan as text of `style.width` columns; only commands may be wider. Ends with a
/// line feed.
#[must_use]
pub fn plan(plan: &Plan, style: &Style) -> String {
    let ink = style.ink();
    let head = format!("Captures of {}, mode {}", plan.service, plan.mode);
    let mut lines = vec![ink.paint(Tone::Strong, &head)];
    lines.extend(wrap(
        "Take as many as you can, at the same time; those that stand first tell most. Start them, make the fault happen, and stop them with Ctrl-C.",
        style.prose(),
    ));
    for task in &plan.tasks {
        lines.push(String::new());
        lines.push(ink.paint(Tone::Strong, &place(task)));
        lines.extend(indented(wrap(task.why, style.prose().saturating_sub(2)), 2));
        lines.extend(indented(verbatim(&tcpdump(plan, task)), 4));
    }
    lines.push(String::new());
    lines.push(ink.paint(Tone::Strong, "What the hosts say of themselves"));
    lines.extend(wrap(
        "After the captures, the output of these commands, one folder a host:",
        style.prose(),
    ));
    let mut told: Vec<Role> = Vec::new();
    for task in plan.tasks.iter().filter(|task| !task.state.is_empty()) {
        if !told.contains(&task.role) {
            told.push(task.role);
            let all = format!("({}) > state.txt 2>/dev/null", task.state.join("; "));
            lines.push(format!("  on each {}", task.role));
            lines.extend(indented(verbatim(&all), 4));
        }
    }
    lines.push(String::new());
    lines.push(ink.paint(Tone::Strong, "Then"));
    lines.extend(wrap(
        "Bring the files of all hosts into one folder, and what each host says into state/HOST/.",
        style.prose(),
    ));
    let ask = format!("lbdiag captures/ --vip {} --host-state state/", plan.vip);
    lines.extend(indented(verbatim(&ask), 4));
    lines.join("\n") + "\n"
}

fn place(task: &Task) -> String {
    match &task.host {
        Some(host) => format!("on {host}, {}", task.role),
        None => format!("on the {}", task.role),
    }
}

fn tcpdump(plan: &Plan, task: &Task) -> String {
    let device = |route: &str| {
        format!("$(ip -o route {route} | grep -o 'dev [^ ]*' | cut -d' ' -f2 | head -n 1)")
    };
    let interface = match &task.listen {
        Listen::Any => "any".to_owned(),
        Listen::Towards(address) => device(&format!("get {address}")),
        Listen::Default => device("show default"),
    };
    format!(
        "tcpdump -n -i {interface} -s {} -B 16384 {RING} -w {}.pcap '{}'",
        task.snaplen, task.label, plan.filter
    )
}

fn indented(lines: Vec<String>, by: usize) -> impl Iterator<Item = String> {
    lines.into_iter().map(move |line| format!("{}{line}", " ".repeat(by)))
}
