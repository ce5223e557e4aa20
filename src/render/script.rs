//! A plan as one shell script: captures on all hosts over ssh at once, brought here as
//! they are taken, with what the hosts say of themselves beside them.
//!
//! Each host's tcpdump writes to ssh, so nothing is left on its disk and nothing has to be
//! copied; the filter lets no ssh through unless it is the service. POSIX sh. Refuses
//! hosts that were not named: they are comments to fill in.

use crate::plan::{Listen, Plan, Task};
use crate::shell::word as quoted;
use std::fmt::Write as _;

/// The script; `seconds` is how long it listens unless told otherwise.
#[must_use]
pub fn script(plan: &Plan, seconds: u32) -> String {
    let mut out = String::from(HEAD);
    let _ = write!(
        out,
        "# Captures of {service}, mode {mode}: sh SCRIPT [SECONDS], {seconds} s by default, Ctrl-C ends it early.\nset -eu\nseconds=${{1:-{seconds}}}\nfilter={filter}\nout=captures-$(date -u +%Y%m%dT%H%M%SZ)\nmkdir -p \"$out/state\" \"$out/log\"\n",
        service = plan.service,
        mode = plan.mode,
        filter = quoted(&plan.filter),
    );
    out.push_str(BODY);
    for task in &plan.tasks {
        out.push_str(&capture(task));
    }
    out.push_str(WAIT);
    for task in &plan.tasks {
        out.push_str(&state(task));
    }
    let _ = writeln!(
        out,
        "\nls -l \"$out\"\necho \"lbdiag $out --vip {} --host-state $out/state\"",
        plan.vip
    );
    out
}

const HEAD: &str = "#!/bin/sh\n";

const BODY: &str = r#"
# Where the login is not root, sudo; it must not ask, for nobody could answer.
root='root=; [ "$(id -u)" = 0 ] || root="sudo -n"; $root'
# take HOST NAME INTERFACE SNAPLEN: INTERFACE is a name or a command that prints one.
take() {
    ssh -o BatchMode=yes -- "$1" "$root timeout -s INT $((seconds + 2)) tcpdump -U -n -i $3 -s $4 -B 16384 -w - '$filter'" \
        >"$out/$2.pcap" 2>"$out/log/$2.log" &
    pids="$pids $!"
}
# said HOST NAME: what the host says of itself, from the commands on standard input.
said() {
    mkdir -p "$out/state/$2"
    ssh -o BatchMode=yes -- "$1" "$root sh" >"$out/state/$2/state.txt" 2>/dev/null || true
}
pids=
trap 'kill $pids 2>/dev/null || true' EXIT INT TERM

"#;

const WAIT: &str = r#"
sleep 2
taken=
for log in "$out"/log/*.log; do
    name=$(basename "$log" .log)
    if grep -q 'listening on' "$log"; then
        taken="$taken $name"
    else
        echo "no capture of $name: $(cat "$log")" >&2
        rm -f "$out/$name.pcap"
    fi
done
[ -n "$taken" ] || { echo "no host captures; mend that and run this again" >&2; exit 1; }
echo "capturing$taken for $seconds s into $out; make the fault happen now (Ctrl-C ends it early)" >&2
trap 'true' INT
wait || true
kill $pids 2>/dev/null || true
trap - EXIT INT TERM

"#;

fn capture(task: &Task) -> String {
    let interface = match &task.listen {
        Listen::Any => "any".to_owned(),
        Listen::Towards(address) => format!("\\$(ip -o route get {address} | {DEVICE})"),
        Listen::Default => format!("\\$(ip -o route show default | {DEVICE})"),
    };
    let (mark, host) = place(task);
    format!(
        "# {}: {}\n{mark}take {host} {} \"{interface}\" {}\n",
        task.role,
        task.why,
        quoted(&task.label),
        task.snaplen
    )
}

/// Takes the word after `dev` out of a route.
const DEVICE: &str = "sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1";

fn state(task: &Task) -> String {
    if task.state.is_empty() {
        return String::new();
    }
    let (mark, host) = place(task);
    let commands: String = task.state.iter().map(|line| format!("{mark}{line}\n")).collect();
    format!("{mark}said {host} {} <<'END'\n{commands}{mark}END\n", quoted(&task.label))
}

/// What a line begins with, and where ssh goes: a host that was not named is to be
/// filled in.
fn place(task: &Task) -> (&'static str, String) {
    match &task.host {
        Some(host) => ("", quoted(host)),
        None => ("# ", "HOST".to_owned()),
    }
}
