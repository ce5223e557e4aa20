//! Commands of sysctl(8).

/// Sets kernel settings until the next boot.
#[must_use]
pub fn set(settings: &[(&str, &str)]) -> String {
    settings.iter().fold(String::from("sysctl -w"), |line, (name, value)| {
        let quote = if value.contains(' ') { "'" } else { "" };
        format!("{line} {name}={quote}{value}{quote}")
    })
}

/// A command with the reason for it, or what it needs, behind it.
#[must_use]
pub fn explained(command: String, why: &str) -> String {
    command + "   # " + why
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
}
