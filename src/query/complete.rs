//! What could be typed next.

use super::parse::{Token, tokens};
use super::{Field, Vocabulary};
use std::ops::Range;

/// Words that could stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that a word would replace.
    pub replace: Range<usize>,
    /// The words, best first.
    pub words: Vec<String>,
}

/// What is expected at a place.
enum Expected {
    /// A field, or a word that begins a condition.
    Beginning,
    /// `>` and the like.
    Comparison,
    Value(Field),
    /// `and`, `or`.
    Joint,
}

/// The words that could stand where the text ends at byte `cursor`.
#[must_use]
pub fn complete(text: &str, cursor: usize, words: &Vocabulary) -> Completion {
    let head = text.get(..cursor).unwrap_or(text);
    let none = Completion { replace: head.len()..head.len(), words: Vec::new() };
    let Ok(mut before) = tokens(head) else { return none };
    let (mut typed, mut replace) = (String::new(), head.len()..head.len());
    if let Some((Token::Word(word), at)) = before.last().cloned()
        && at.end == head.len()
        && !head.ends_with(['"', '!'])
    {
        before.pop();
        (typed, replace) = (word, at);
    }
    let offered = match expected(&before) {
        Expected::Beginning => Vocabulary::beginnings(),
        Expected::Comparison => [">", ">=", "<", "<=", "="].map(str::to_owned).to_vec(),
        Expected::Value(field) => words.of(field),
        Expected::Joint => ["and", "or"].map(str::to_owned).to_vec(),
    };
    let typed = typed.to_lowercase();
    let begins = |word: &String| word.to_lowercase().starts_with(&typed);
    let holds = |word: &String| !begins(word) && word.to_lowercase().contains(&typed);
    let first = offered.iter().filter(|w| begins(w));
    let then = offered.iter().filter(|w| !typed.is_empty() && holds(w));
    let words: Vec<String> =
        first.chain(then).filter(|word| word.to_lowercase() != typed).cloned().collect();
    Completion { replace, words }
}

fn expected(before: &[(Token, Range<usize>)]) -> Expected {
    let mut now = Expected::Beginning;
    let mut field = None;
    for (token, _) in before {
        now = match (token, now) {
            (Token::Word(word), Expected::Beginning | Expected::Joint) => {
                match (word.to_ascii_lowercase().as_str(), Field::named(word)) {
                    ("and" | "or" | "not" | "&&" | "||", _) => Expected::Beginning,
                    (_, Some(named)) => {
                        field = Some(named);
                        let bare = named.about().ordered && named != Field::Port;
                        if bare { Expected::Comparison } else { Expected::Value(named) }
                    }
                    (_, None) => Expected::Joint,
                }
            }
            (Token::Word(_), _) | (Token::Close, _) => Expected::Joint,
            (Token::Op(_) | Token::Comma, _) => match field {
                Some(field) => Expected::Value(field),
                None => Expected::Beginning,
            },
            (Token::Open, _) => Expected::Beginning,
        };
    }
    now
}
