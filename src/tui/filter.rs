//! The filter as it is typed and as it is applied.

use super::data::Data;
use super::line_input::LineInput;
use crate::query::{self, Completion, Expr, Fault, Filter};
use crate::redact::Mask;

/// Filters that are remembered.
const MAX_HISTORY: usize = 50;

/// The filter.
#[derive(Debug, Default)]
pub struct FilterState {
    /// The text that is applied; empty where none is.
    pub text: String,
    /// What it means.
    pub applied: Option<Filter>,
    /// What is being typed.
    pub typing: Option<Typing>,
    history: Vec<String>,
}

/// A filter that is being typed.
#[derive(Debug, Default)]
pub struct Typing {
    /// The text.
    pub line: LineInput,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// What could follow.
    pub completion: Option<Completion>,
    /// The word of it that is chosen.
    pub chosen: Option<usize>,
    /// How far back in the history.
    back: usize,
}

/// Reads and binds a text.
fn bind(data: &Data, text: &str) -> Result<Filter, Fault> {
    let mut asked = query::parse(text)?;
    meant(&mut asked, &data.mask)?;
    let bound = Filter::bind(&asked, &data.trace, &data.diagnosis);
    bound.map_err(|fault| Fault { message: data.mask.text(fault.message), ..fault })
}

/// Puts what is meant in the place of stand-ins that were typed.
fn meant(asked: &mut Expr, mask: &Mask) -> Result<(), Fault> {
    match asked {
        Expr::All(parts) | Expr::Any(parts) => {
            parts.iter_mut().try_for_each(|part| meant(part, mask))
        }
        Expr::Not(part) => meant(part, mask),
        Expr::Term(term) => term.values.iter_mut().try_for_each(|(value, at)| {
            let original = mask.meant(value).ok_or_else(|| Fault {
                at: at.clone(),
                message: format!("{value} is no address here"),
                unfinished: false,
            })?;
            *value = original;
            Ok(())
        }),
    }
}

impl FilterState {
    /// Begins typing, from what is applied.
    pub fn begin(&mut self, data: &Data) {
        let mut typing = Typing { line: LineInput::new(&self.text), ..Typing::default() };
        typing.look(data);
        self.typing = Some(typing);
    }

    /// Applies a text.
    ///
    /// # Errors
    /// What is wrong with it; nothing changes then.
    pub fn apply(&mut self, data: &Data, text: &str) -> Result<(), Fault> {
        let text = text.trim();
        self.applied = if text.is_empty() { None } else { Some(bind(data, text)?) };
        text.clone_into(&mut self.text);
        self.history.retain(|old| old != text);
        if !text.is_empty() {
            self.history.push(text.to_owned());
        }
        let more = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..more);
        Ok(())
    }

    /// Puts an older (or, `forward`, a newer) filter into the line.
    pub fn recall(&mut self, data: &Data, forward: bool) {
        let Some(typing) = &mut self.typing else { return };
        let back = if forward { typing.back.saturating_sub(1) } else { typing.back + 1 };
        if back > self.history.len() {
            return;
        }
        typing.back = back;
        let at = self.history.len().checked_sub(back).and_then(|at| self.history.get(at));
        typing.line = LineInput::new(at.map_or("", String::as_str));
        typing.look(data);
    }
}

impl Typing {
    /// Judges the text anew and says what could follow.
    pub fn look(&mut self, data: &Data) {
        self.fault = bind(data, &self.line.text).err();
        let completion = query::complete(&self.line.text, self.line.cursor, &data.words);
        let typed = self.line.text.get(completion.replace.clone()).unwrap_or_default();
        let begins = !typed.is_empty() && completion.words.iter().any(|w| w.starts_with(typed));
        if let Some(fault) = self.fault.as_mut().filter(|fault| fault.at == completion.replace) {
            // It is the beginning of something.
            fault.unfinished |= begins;
        }
        self.completion = Some(completion);
        self.chosen = None;
    }

    /// Goes to the next word that could follow, or the one before, and puts it in.
    pub fn complete(&mut self, data: &Data, forward: bool) {
        let Some(completion) = &mut self.completion else { return };
        let count = completion.words.len();
        if count == 0 {
            return;
        }
        let at = match (self.chosen, forward) {
            (None, true) => 0,
            (None, false) => count - 1,
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
        };
        self.chosen = Some(at);
        let word = completion.words.get(at).cloned().unwrap_or_default();
        let from = completion.replace.start;
        self.line.replace(completion.replace.clone(), &word);
        completion.replace = from..self.line.cursor;
        self.fault = bind(data, &self.line.text).err();
        if count == 1 {
            // Nothing else could be meant: what follows can be typed at once.
            self.line.insert(" ");
            self.look(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testkit::sample;

    #[test]
    fn a_filter_is_applied_only_where_it_is_right() {
        let data = sample("nat-one-rs-gateway-wrong");
        let mut filter = FilterState::default();
        assert!(filter.apply(&data, "outcome failed").is_ok());
        assert!(filter.apply(&data, "outcome fialed").is_err());
        assert_eq!(filter.text, "outcome failed");
        assert!(filter.apply(&data, " ").is_ok() && filter.applied.is_none());
    }

    #[test]
    fn completion_goes_round_and_ends_a_word_that_is_the_only_one() {
        let data = sample("nat-one-rs-gateway-wrong");
        let mut filter = FilterState::default();
        filter.begin(&data);
        let typing = filter.typing.as_mut().unwrap();
        typing.line.insert("outc");
        typing.look(&data);
        assert!(typing.fault.is_some());
        typing.complete(&data, true);
        assert_eq!(typing.line.text, "outcome ");
        typing.complete(&data, true);
        assert_eq!(typing.line.text, "outcome failed");
        assert!(typing.fault.is_none());
        typing.complete(&data, true);
        typing.complete(&data, false);
        assert_eq!(typing.line.text, "outcome failed");
    }

    #[test]
    fn older_filters_come_back() {
        let data = sample("healthy-nat");
        let mut filter = FilterState::default();
        filter.apply(&data, "outcome reset").unwrap();
        filter.apply(&data, "proto tcp").unwrap();
        filter.apply(&data, "").unwrap();
        filter.begin(&data);
        let mut text = |forward| {
            filter.recall(&data, forward);
            filter.typing.as_ref().unwrap().line.text.clone()
        };
        assert_eq!(
            [text(false), text(false), text(false)],
            ["proto tcp", "outcome reset", "outcome reset"]
        );
        assert_eq!([text(true), text(true)], ["proto tcp", ""]);
    }
}
