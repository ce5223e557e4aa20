//! Which of several like requests a backend request is, by their responses.
//!
//! Many clients ask for the same at once: the request tells nothing, and time leaves
//! several choices. A response's head may tell. Only what is the same on exactly one
//! request of either side ties; a field that differs rules a pair out, one that is
//! absent says nothing.

use super::Digests;
use crate::wire::http::ResponseHead;
use std::hash::BuildHasher;
use std::num::NonZeroU64;

/// Digests of what tells one response from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reply {
    /// X-Request-ID, Set-Cookie: drawn for one response, if they are not constant.
    pub(super) own: [Option<NonZeroU64>; 2],
    /// ETag, Content-Length.
    pub(super) content: [Option<NonZeroU64>; 2],
    /// Date: the same on all of one second.
    pub(super) date: Option<NonZeroU64>,
}

impl Reply {
    pub(super) fn of(head: &ResponseHead<'_>, by: &Digests) -> Self {
        let digest =
            |value: Option<&[u8]>| value.and_then(|value| NonZeroU64::new(by.hash_one(value)));
        Self {
            own: [digest(head.request_id), digest(head.cookie)],
            content: [digest(head.etag), digest(head.length)],
            date: digest(head.date),
        }
    }

    /// Whether no field that both have differs.
    fn fits(&self, other: &Self) -> bool {
        let fields = |r: &Self| [r.own[0], r.own[1], r.content[0], r.content[1], r.date];
        fields(self)
            .into_iter()
            .zip(fields(other))
            .all(|(a, b)| a.is_none() || b.is_none() || a == b)
    }

    /// Whether both have a field that is drawn for one response, and it is the same.
    fn is_same(&self, other: &Self) -> bool {
        self.fits(other) && shares(&self.own, &other.own)
    }

    /// Whether both have a field of the content, or one of their own, that is the same.
    fn is_alike(&self, other: &Self) -> bool {
        self.fits(other) && (shares(&self.own, &other.own) || shares(&self.content, &other.content))
    }
}

fn shares(a: &[Option<NonZeroU64>; 2], b: &[Option<NonZeroU64>; 2]) -> bool {
    a.iter().zip(b).any(|(a, b)| a.is_some() && a == b)
}

/// A backend request with the client requests that it can be.
#[derive(Debug)]
pub(super) struct Open {
    /// What identifies it to the caller.
    pub back: usize,
    /// Its response; `None` where it got none.
    pub reply: Option<Reply>,
    /// Of each client request: what identifies it, and its response.
    pub fronts: Vec<(usize, Option<Reply>)>,
}

/// Backend request and client request of each pair that the responses leave alone.
///
/// A request whose response was not seen can have had any, so it leaves no choice
/// alone that rests on the content.
pub(super) fn settle(open: &[Open]) -> Vec<(usize, usize)> {
    let same = |a: Option<Reply>, b: Option<Reply>| a.zip(b).is_some_and(|(a, b)| a.is_same(&b));
    let fits = |a: Option<Reply>, b: Option<Reply>| a.zip(b).is_none_or(|(a, b)| a.fits(&b));
    let mut settled = Vec::new();
    for one in open.iter().filter(|one| one.reply.is_some()) {
        let choice = |by: &dyn Fn(Option<Reply>, Option<Reply>) -> bool| {
            let mut left = one.fronts.iter().filter(|front| by(front.1, one.reply));
            let (front, reply) = *left.next().filter(|_| left.next().is_none())?;
            // The same must hold from its side.
            let of = |other: &&Open| other.fronts.iter().any(|f| f.0 == front);
            let backs = open.iter().filter(of).filter(|other| by(reply, other.reply));
            (backs.count() == 1).then_some((front, reply))
        };
        let alike =
            |reply: Option<Reply>| reply.zip(one.reply).is_some_and(|(a, b)| a.is_alike(&b));
        let found = choice(&same).or_else(|| choice(&fits).filter(|(_, reply)| alike(*reply)));
        settled.extend(found.map(|(front, _)| (one.back, front)));
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str, by: &Digests) -> Option<Reply> {
        let text = format!("HTTP/1.1 200 OK\r\n{text}\r\n\r\n");
        Some(Reply::of(&ResponseHead::parse(text.as_bytes()), by))
    }

    /// Every back request may be every client's.
    fn settled(fronts: &[&str], backs: &[&str]) -> Vec<(usize, usize)> {
        let by = super::super::digests();
        let of = |text: &&str| if text.is_empty() { None } else { reply(text, &by) };
        let fronts: Vec<_> = fronts.iter().map(of).enumerate().collect();
        let open = backs.iter().map(of).enumerate();
        settle(
            &open
                .map(|(back, reply)| Open { back, reply, fronts: fronts.clone() })
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn identifiers_tell_whose_response_it_is() {
        let found = settled(
            &["X-Request-Id: a", "X-Request-Id: b\r\nVia: p", ""],
            &["X-Request-Id: b", "X-Request-Id: a"],
        );
        assert_eq!(found, [(0, 1), (1, 0)]);
    }

    #[test]
    fn constants_and_absent_fields_tell_nothing() {
        let same = ["Set-Cookie: a=1\r\nContent-Length: 5"; 2];
        assert_eq!(settled(&same, &same), []);
        assert_eq!(settled(&["Via: p"; 2], &["X-Request-Id: a", "X-Request-Id: b"]), []);
        assert_eq!(settled(&["Date: now"], &["Date: now"]), [], "a second is no evidence");
    }

    #[test]
    fn content_tells_where_it_leaves_one_choice_both_ways() {
        let (five, six) = ("Content-Length: 5", "Content-Length: 6");
        assert_eq!(settled(&[five, six], &[six, five]), [(0, 1), (1, 0)]);
        assert_eq!(settled(&[five, six, six], &[six, five, six]), [(1, 0)]);
        assert_eq!(
            settled(&[five, six], &[five, five]),
            [],
            "two of the server, one of the client"
        );
        assert_eq!(settled(&[five, ""], &[five, six]), [], "any may be the unseen one");
        let changed = "Content-Length: 5\r\nETag: \"x\"";
        assert_eq!(settled(&[changed], &["Content-Length: 5\r\nETag: \"y\""]), []);
    }
}
