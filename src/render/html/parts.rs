//! What several sections of the page show alike.

use maud::{Markup, html};

/// A command, filter or text to paste: whole, as it is, with a button where the page's
/// script runs.
pub(super) fn command(text: &str, what: &str) -> Markup {
    html! {
        div class="command" {
            pre tabindex="0" aria-label=(what) { code { (text.trim_end()) } }
        }
    }
}

/// Something wide that scrolls by itself.
pub(super) fn wide(label: &str, inner: &Markup) -> Markup {
    html! { div class="wide" tabindex="0" role="group" aria-label=(label) { (inner) } }
}

/// A drawing: made smaller to fit, as long as it stays readable, and scrolling from there.
pub(super) fn drawing(label: &str, svg: &Markup) -> Markup {
    wide(label, &html! { div class="fit" { (svg) } })
}

/// Text in paragraphs, one a line.
pub(super) fn paragraphs(text: &str) -> Markup {
    html! { @for line in text.lines().filter(|l| !l.trim().is_empty()) { p { (line) } } }
}

/// Names in code, separated by commas.
pub(super) fn codes<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Markup {
    html! {
        @for (n, name) in names.into_iter().enumerate() {
            @if n > 0 { ", " }
            code { (name.as_ref()) }
        }
    }
}

/// What stands in a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// Words, from the left.
    Words(&'static str),
    /// Numbers, to the right.
    Number(&'static str),
}

/// The head of a table.
pub(super) fn headings(columns: &[Column]) -> Markup {
    html! {
        thead {
            tr {
                @for column in columns {
                    @match *column {
                        Column::Words(name) => th scope="col" { (name) },
                        Column::Number(name) => th scope="col" class="num" { (name) },
                    }
                }
            }
        }
    }
}
