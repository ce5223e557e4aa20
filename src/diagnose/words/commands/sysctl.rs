//! Commands of sysctl(8).

use crate::diagnose::Fix;

/// A fix that sets kernel settings, each by name, with the value that mends and the one
/// that it has before.
#[must_use]
pub fn change(host: impl Into<String>, settings: &[(&str, &str, &str)]) -> Fix {
    let new: Vec<_> = settings.iter().map(|(name, new, _)| (*name, *new)).collect();
    let old: Vec<_> = settings.iter().map(|(name, _, old)| (*name, *old)).collect();
    Fix::safe(host, set(&new), set(&old))
}

/// Sets kernel settings until the next boot.
#[must_use]
pub fn set(settings: &[(&str, &str)]) -> String {
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
}
