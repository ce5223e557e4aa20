//! Text to expression.
//!
//! `or` binds loosest, then `and` (which may be left out), then `not`; brackets group. A
//! term is a field with values, `client 10.0.0.1, 10.0.0.2`, where any value may fit, or
//! `duration > 1s` for what has an order. A word alone that is an outcome, an address or
//! a finding stands for a term of its own.

use super::{Fault, Field};
use std::ops::Range;

/// Brackets and negations within each other; deeper is a mistake or an attack.
const MAX_DEPTH: usize = 32;

/// Bytes of a filter; nobody types more.
const MAX_LEN: usize = 4096;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Is one of the values.
    Is,
    /// Is none of them.
    IsNot,
    /// Below the value.
    Less,
    /// At most the value.
    AtMost,
    /// Above the value.
    More,
    /// At least the value.
    AtLeast,
}

/// A word with its place.
pub type Word = (String, Range<usize>);

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is asked; `None` for a word alone.
    pub field: Option<Field>,
    /// How.
    pub op: Op,
    /// With what; one at least.
    pub values: Vec<Word>,
}

/// A condition made of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All of them; everything fits none.
    All(Vec<Expr>),
    /// Any of them.
    Any(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// One.
    Term(Term),
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Op(Op),
    Comma,
    Open,
    Close,
}

/// Reads a filter; an empty one fits everything.
///
/// # Errors
/// The first place that cannot be understood.
pub fn parse(text: &str) -> Result<Expr, Fault> {
    if text.len() > MAX_LEN {
        return Err(Fault::new(MAX_LEN..text.len(), "a filter has at most 4096 bytes"));
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Expr::All(Vec::new()));
    }
    let mut reader = Reader { tokens: &tokens, at: 0, end: text.len() };
    let expr = reader.any(0)?;
    match reader.next() {
        None => Ok(expr),
        Some((_, at)) => Err(Fault::new(at.clone(), "no bracket is open here")),
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Fault> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let mut follows = |wanted: char| chars.next_if(|(_, c)| *c == wanted).is_some();
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => {
                follows('=');
                Token::Op(Op::Is)
            }
            '!' if follows('=') => Token::Op(Op::IsNot),
            '!' => Token::Word("not".to_owned()),
            '<' if follows('=') => Token::Op(Op::AtMost),
            '<' => Token::Op(Op::Less),
            '>' if follows('=') => Token::Op(Op::AtLeast),
            '>' => Token::Op(Op::More),
            '"' => {
                let word: String =
                    chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '"').collect();
                let end = at + word.len() + 2;
                if text.get(at + 1..end) != Some(&format!("{word}\"")) {
                    return Err(Fault::unfinished(text.len(), "the quotation mark is not closed"));
                }
                tokens.push((Token::Word(word), at..end));
                continue;
            }
            first => {
                let mut word = String::from(first);
                while let Some((_, c)) = chars.next_if(|(_, c)| {
                    !c.is_whitespace()
                        && !matches!(c, '(' | ')' | ',' | '=' | '!' | '<' | '>' | '"')
                }) {
                    word.push(c);
                }
                Token::Word(word)
            }
        };
        let end = chars.peek().map_or(text.len(), |(next, _)| *next);
        tokens.push((token, at..end));
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [(Token, Range<usize>)],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a (Token, Range<usize>)> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a (Token, Range<usize>)> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes a word of the language.
    fn takes(&mut self, names: &[&str]) -> bool {
        let there = matches!(self.peek(), Some((Token::Word(word), _))
            if names.iter().any(|name| word.eq_ignore_ascii_case(name)));
        self.at += usize::from(there);
        there
    }

    fn any(&mut self, depth: usize) -> Result<Expr, Fault> {
        let mut parts = vec![self.all(depth)?];
        while self.takes(&["or", "||"]) {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expr::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Expr, Fault> {
        let mut parts = vec![self.not(depth)?];
        loop {
            let said = self.takes(&["and", "&&"]);
            let ends = match self.peek() {
                None | Some((Token::Close, _)) => true,
                Some((Token::Word(word), _)) => ["or", "||"].contains(&word.as_str()),
                _ => false,
            };
            if ends && !said {
                break;
            }
            parts.push(self.not(depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expr::All(parts) })
    }

    fn not(&mut self, depth: usize) -> Result<Expr, Fault> {
        if depth > MAX_DEPTH {
            let at = self.peek().map_or(self.end..self.end, |(_, at)| at.clone());
            return Err(Fault::new(at, "more than 32 brackets or negations within each other"));
        }
        if self.takes(&["not"]) {
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        match self.next() {
            Some((Token::Open, _)) => {
                let inner = self.any(depth + 1)?;
                match self.next() {
                    Some((Token::Close, _)) => Ok(inner),
                    Some((_, at)) => Err(Fault::new(at.clone(), "a bracket should close here")),
                    None => Err(Fault::unfinished(self.end, "a bracket is not closed")),
                }
            }
            Some((Token::Word(word), at)) => self.term(word, at),
            Some((_, at)) => {
                Err(Fault::new(at.clone(), "a field, a value or a bracket should stand here"))
            }
            None => Err(Fault::unfinished(self.end, "something should follow")),
        }
    }

    fn term(&mut self, word: &str, at: &Range<usize>) -> Result<Expr, Fault> {
        let Some(field) = Field::named(word) else {
            let values = vec![(word.to_owned(), at.clone())];
            return Ok(Expr::Term(Term { field: None, op: Op::Is, values }));
        };
        let mut op = Op::Is;
        if let Some((Token::Op(said), place)) = self.peek() {
            self.at += 1;
            op = *said;
            let order = !matches!(op, Op::Is | Op::IsNot);
            if order && !field.about().ordered {
                let why = format!("{word} has no order; write {word} = ... or {word} != ...");
                return Err(Fault::new(place.clone(), why));
            }
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some((Token::Word(value), at)) => values.push((value.clone(), at.clone())),
                Some((_, at)) => {
                    return Err(Fault::new(
                        at.clone(),
                        format!("a value of {word} should stand here"),
                    ));
                }
                None => {
                    let help = field.about().help;
                    return Err(Fault::unfinished(self.end, format!("{word}: {help}")));
                }
            }
            match self.peek() {
                Some((Token::Comma, _)) => self.at += 1,
                _ => break,
            }
        }
        Ok(Expr::Term(Term { field: Some(field), op, values }))
    }
}
