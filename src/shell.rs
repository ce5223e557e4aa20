//! Words of commands that a person may paste into a POSIX shell.
//!
//! Names of files come from whoever made the capture. One that is printed in a command is quoted
//! here, so that it stays one word and no option, whatever is in it.

/// A name as a shell takes it: one word, no option.
#[must_use]
pub fn quote(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    let name = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
    if !name.is_empty() && name.chars().all(plain) { name } else { word(&name) }
}

/// A word between quotes.
#[must_use]
pub fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{quote, word};

    #[test]
    fn a_name_stays_one_word_and_no_option() {
        for (name, quoted) in [
            ("a/b-1.pcap", "a/b-1.pcap"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("-rf", "./-rf"),
            ("- x", "'./- x'"),
            ("$(x)", "'$(x)'"),
            ("a\nb", "'a\nb'"),
            ("~root", "'~root'"),
        ] {
            assert_eq!(quote(name), quoted, "{name:?}");
        }
        assert_eq!(word("web1"), "'web1'");
    }
}
