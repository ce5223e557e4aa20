//! Commands of modprobe(8).

use super::step::Step;

/// Loads modules. The second word of modprobe(8) is a parameter of the first, unless it is
/// told that all are modules.
#[must_use]
pub fn load(modules: &[&str]) -> Step {
    let all = if modules.len() > 1 { "-a " } else { "" };
    let names = modules.join(" ");
    let mut back: Vec<&str> = modules.to_vec();
    back.reverse();
    Step::new(format!("modprobe {all}{names}"), format!("modprobe -r {}", back.join(" ")))
        .back_if("if nothing had loaded it before and nothing else uses it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::words::commands::step::safe;

    #[test]
    fn several_modules_are_all_loaded() {
        let fix = safe("x", [load(&["nf_defrag_ipv4", "nf_defrag_ipv6"])]);
        assert_eq!(fix.command, "modprobe -a nf_defrag_ipv4 nf_defrag_ipv6");
        assert!(fix.undo.starts_with("modprobe -r nf_defrag_ipv6 nf_defrag_ipv4   # if "));
        assert_eq!(safe("x", [load(&["ipip"])]).command, "modprobe ipip");
    }
}
