//! Mermaid diagrams, for Markdown: GitHub and GitLab draw them where they stand.
//!
//! Every string that a capture or a user brought passes [`text`]; identifiers are
//! this program's own. Refuses Mermaid's own HTML and Markdown: nothing in a
//! capture can leave its label or become markup.

mod flowchart;
mod sequence;

pub use flowchart::mermaid;
pub use sequence::mermaid_sequence;

pub(super) use flowchart::{lines, service, used};

use super::sanitise::clean;
use std::fmt::Write as _;

/// Characters beside letters and digits that Mermaid takes for themselves.
const PLAIN: &str = " .:/-_,()>=+*…≈±·✗";

/// Words at which Mermaid treats the rest of a line in another way, wherever they
/// stand: the first two lose a semicolon before entities are read
/// (`encodeEntities`), the last is an option of a message (`wrap:`, `nowrap:`).
const WORDS: [&str; 3] = ["style", "classDef", "wrap"];

/// Text in which every other character is an entity code (`#34;`), one line.
/// <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>
pub(super) fn text(raw: &str) -> String {
    let clean = clean(raw);
    let mut out = String::with_capacity(clean.len());
    for (at, c) in clean.char_indices() {
        let rest = clean.get(at..).unwrap_or_default();
        if (c.is_alphanumeric() || PLAIN.contains(c)) && !WORDS.iter().any(|w| rest.starts_with(w))
        {
            out.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn what_mermaid_would_act_on_is_written_as_a_code() {
        assert_eq!(text("a;b#c%%d"), "a#59;b#35;c#37;#37;d");
        assert_eq!(text("<b>\"`$$"), "#60;b>#34;#96;#36;#36;");
        assert_eq!(text("x\ny"), "x#92;x0ay");
        assert_eq!(text("style a:#1; nowrap:"), "#115;tyle a:#35;1#59; no#119;rap:");
        assert_eq!(text("203.0.113.8:80 > 172.16.0.11:80"), "203.0.113.8:80 > 172.16.0.11:80");
    }
}
