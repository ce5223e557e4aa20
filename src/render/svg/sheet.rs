//! The elements of the SVG, and the document around them.
//!
//! Presentation is in one style sheet, which a page brings itself: a document of its
//! own has it inside, a drawing in a page has only classes. Colours of both schemes
//! meet WCAG 2.1's contrast for text.

use super::super::sanitise::clean;
use super::layout::width;
use std::fmt::Write as _;

/// The colours of the light scheme, custom properties of CSS.
pub(in super::super) const LIGHT: &str = include_str!("light.css");

/// The same of the dark one.
pub(in super::super) const DARK: &str = include_str!("dark.css");

/// What the classes of all drawings look like; a page with drawings needs it too.
pub(in super::super) const RULES: &str = include_str!("rules.css");

/// Whether a drawing stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Place {
    /// A file: with its own style sheet and ground.
    File,
    /// In a page, which has the rules and the colours.
    Page,
}

/// A sheet that is drawn on: grounds lie below lifelines, those below the rest.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    grounds: String,
    lifelines: String,
    marks: String,
}

impl Sheet {
    /// Text on its base line at `y`; `anchor` says which end `x` is.
    pub(super) fn text(&mut self, x: i64, y: i64, anchor: &str, class: &str, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        // Lifelines do not strike text through.
        let halo =
            if matches!(class, "title" | "time" | "frames" | "faint") { "" } else { " halo" };
        let class = format!("{class}{halo}");
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            self.marks,
            "  <text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" class=\"{}\">{}</text>",
            class.trim(),
            escaped(text.trim())
        );
    }

    /// A ground: x, y, width, height.
    pub(super) fn rect(&mut self, (x, y, w, h): (i64, i64, i64, i64), class: &str) {
        let _ = writeln!(
            self.grounds,
            "  <rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"4\" class=\"{class}\"/>"
        );
    }

    /// The ground of a fold, over the lifelines.
    pub(super) fn fold(&mut self, (x, y, w, h): (i64, i64, i64, i64)) {
        let _ = writeln!(
            self.marks,
            "  <rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"4\" class=\"fold\"/>"
        );
    }

    /// A lifeline.
    pub(super) fn lifeline(&mut self, x: i64, from: i64, to: i64) {
        let _ = writeln!(
            self.lifelines,
            "  <line x1=\"{x}\" y1=\"{from}\" x2=\"{x}\" y2=\"{to}\" class=\"life\"/>"
        );
    }

    /// The mark of a frame of the proof.
    pub(super) fn dot(&mut self, x: i64, y: i64) {
        let _ = writeln!(self.marks, "  <circle cx=\"{x}\" cy=\"{y}\" r=\"4\" class=\"dot\"/>");
    }

    /// An arrow; a lost one ends in a cross three quarters on its way.
    pub(super) fn arrow(&mut self, (from, to): (i64, i64), y: i64, tone: &str, lost: bool) {
        let way = (to - from).signum();
        let end = if lost { from + (to - from) * 3 / 4 } else { to - way * 2 };
        self.shaft(&format!("M{from} {y}H{end}"), tone);
        if lost {
            let (left, right, top, low) = (end - 6, end + 6, y - 6, y + 6);
            let _ = writeln!(
                self.marks,
                "  <path class=\"cross {tone}\" d=\"M{left} {top}L{right} {low}M{left} {low}L{right} {top}\"/>"
            );
        } else {
            self.head(end, y, way, tone);
        }
    }

    /// A path from `(x, y)` on, with a head where it ends if `heads` says so: of the
    /// first end, of the last. Ends are horizontal; `ways` are the directions in which
    /// the heads point, -1 left, 1 right.
    pub(super) fn path(&mut self, path: &str, tone: &str, heads: [Option<(i64, i64, i64)>; 2]) {
        self.shaft(path, tone);
        for (x, y, way) in heads.into_iter().flatten() {
            self.head(x, y, way, tone);
        }
    }

    /// An arrow from a lifeline back to itself.
    pub(super) fn turn(&mut self, x: i64, y: i64, tone: &str) {
        let (out, low) = (x + 36, y + 14);
        self.shaft(&format!("M{x} {y}H{out}V{low}H{}", x + 2), tone);
        self.head(x + 2, low, -1, tone);
    }

    fn shaft(&mut self, path: &str, tone: &str) {
        let class = format!("shaft {tone}");
        let _ = writeln!(self.marks, "  <path class=\"{}\" d=\"{path}\"/>", class.trim());
    }

    fn head(&mut self, x: i64, y: i64, way: i64, tone: &str) {
        let class = format!("head {tone}");
        let back = x - way * 9;
        let (top, low) = (y - 5, y + 5);
        let _ = writeln!(
            self.marks,
            "  <path class=\"{}\" d=\"M{x} {y}L{back} {top}V{low}Z\"/>",
            class.trim()
        );
    }

    /// The whole document.
    pub(super) fn document(self, place: Place, wide: i64, high: i64, title: &str) -> String {
        let wide = wide.max(width(title));
        let Self { grounds, lifelines, marks } = self;
        let style = match place {
            Place::File => format!(
                "  <style>\n:root {{\n{LIGHT}}}\n@media (prefers-color-scheme: dark) {{ :root {{\n{DARK}}} \
                 }}\n{RULES}  </style>\n"
            ),
            Place::Page => String::new(),
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
             viewBox=\"0 0 {wide} {high}\" role=\"img\">\n  <title>{}</title>\n{style}  \
             <rect width=\"{wide}\" height=\"{high}\" class=\"paper\"/>\n\
             {grounds}{lifelines}{marks}</svg>\n",
            escaped(title)
        )
    }
}

/// Text for XML: no markup, no character that XML 1.0 cannot hold.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_xml_would_act_on_is_escaped() {
        assert_eq!(escaped("<a b=\"c\">&amp;"), "&lt;a b=&quot;c&quot;&gt;&amp;amp;");
        assert_eq!(escaped("\0\n\u{ffff}"), "\\x00\\x0a\u{fffd}");
    }
}
