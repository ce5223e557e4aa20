//! Commands of modprobe(8).

use super::step::Step;

/// Loads modules, after printing which of them are there: those stay when it is taken back.
/// The second word of modprobe(8) is a parameter of the first, unless it is told that all are
/// modules.
#[must_use]
pub fn load(modules: &[&str]) -> [Step; 2] {
    let all = if modules.len() > 1 { "-a " } else { "" };
    let names = modules.join(" ");
    let mut back: Vec<&str> = modules.to_vec();
    back.reverse();
    [
        Step::look(format!("lsmod | grep -wE '{}'", modules.join("|"))),
        Step::new(format!("modprobe {all}{names}"), format!("modprobe -r {}", back.join(" ")))
            .back_if("if the first line printed nothing"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::words::commands::step::safe;

    #[test]
    fn several_modules_are_all_loaded() {
        let fix = safe("x", load(&["nf_defrag_ipv4", "nf_defrag_ipv6"]));
        assert_eq!(
            fix.command,
            "lsmod | grep -wE 'nf_defrag_ipv4|nf_defrag_ipv6'\nmodprobe -a nf_defrag_ipv4 nf_defrag_ipv6"
        );
        assert!(fix.undo.starts_with("modprobe -r nf_defrag_ipv6 nf_defrag_ipv4   # if "));
        assert!(safe("x", load(&["ipip"])).command.ends_with("\nmodprobe ipip"));
    }
}
