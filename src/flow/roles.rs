//! Checks of a role: who asks each server of a pool whether it is the one that leads, and is told by an error that it
//! is not. Such an answer is what the question is for, where another server of the pool has the role.
//!
//! Bounded; what does not fit is an error like any other.

use super::{Mark, StreamId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, http};

/// Questions that wait for their answer, and answers that are kept.
const MAX: usize = 1 << 14;

/// Targets that ask for a role, with the statuses by which a server says that it has another one: of Patroni's REST
/// API ("Health check endpoints"), of Vault's ("/sys/health": standby, and secondary of a cluster).
const ROLES: [(&[&str], &[u16]); 2] = [
    (
        &[
            "/primary",
            "/master",
            "/leader",
            "/read-write",
            "/replica",
            "/read-only",
            "/standby-leader",
            "/standby_leader",
            "/synchronous",
            "/sync",
            "/asynchronous",
            "/async",
        ],
        &[503],
    ),
    (&["/v1/sys/health"], &[429, 472, 473]),
];
/// Methods that such checks use.
const METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// Who asks, on which port, for the role of which number.
type Asked = (Ip, u16, usize);

/// An answer that a server has not the role that was asked for.
#[derive(Debug, Clone, Copy)]
struct Other {
    stream: StreamId,
    mark: Mark,
    status: u16,
    asked: Asked,
    server: Ip,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles {
    waiting: HashMap<StreamId, (Asked, Ip)>,
    others: Vec<Other>,
    /// Questions that some server said yes to.
    held: HashSet<Asked>,
}

/// The role that a request asks for: its number.
pub(super) fn asked(payload: &[u8]) -> Option<usize> {
    let method = http::method(payload).filter(|method| METHODS.contains(method))?;
    let target = payload.get(method.len() + 1..)?;
    let end = target.iter().position(|b| matches!(b, b' ' | b'?'))?;
    let target = target.get(..end)?;
    let mut all = ROLES.iter().flat_map(|(targets, _)| targets.iter()).enumerate();
    all.find(|(_, known)| known.as_bytes() == target).map(|(at, _)| at)
}

/// Whether a status says of a role that the server has another one.
fn is_other(role: usize, status: u16) -> bool {
    let mut at = 0;
    ROLES.iter().any(|(targets, statuses)| {
        let of = at..at + targets.len();
        at += targets.len();
        of.contains(&role) && statuses.contains(&status)
    })
}

impl Roles {
    /// Takes in a request for a role: of a stream, by whom, to which server.
    pub fn ask(&mut self, id: StreamId, role: usize, asker: Ip, (server, port): (Ip, u16)) {
        if self.waiting.len() < MAX {
            self.waiting.insert(id, ((asker, port, role), server));
        }
    }

    /// Takes in the first answer of a stream; says whether it is one of another role.
    pub fn answer(&mut self, id: StreamId, mark: Mark, status: Option<u16>) -> bool {
        let Some((asked, server)) = self.waiting.remove(&id) else { return false };
        match status {
            Some(200..300) if self.held.len() < MAX => {
                self.held.insert(asked);
                false
            }
            Some(status) if is_other(asked.2, status) && self.others.len() < MAX => {
                self.others.push(Other { stream: id, mark, status, asked, server });
                true
            }
            _ => false,
        }
    }

    /// Answers of another role that are errors after all: several servers of a pool were asked, and none has it.
    pub fn nobodys(&mut self) -> Vec<(StreamId, Mark, u16)> {
        let mut pools: HashMap<Asked, HashSet<Ip>> = HashMap::default();
        for one in &self.others {
            pools.entry(one.asked).or_default().insert(one.server);
        }
        let held = std::mem::take(&mut self.held);
        let vacant = |asked: &Asked| {
            !held.contains(asked) && pools.get(asked).is_some_and(|pool| pool.len() > 1)
        };
        let others = std::mem::take(&mut self.others).into_iter();
        others.filter(|one| vacant(&one.asked)).map(|o| (o.stream, o.mark, o.status)).collect()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.waiting.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    const LB: Ip = Ip::v4([192, 0, 2, 5]);

    fn pool(statuses: &[u16]) -> (Vec<bool>, usize) {
        let mut roles = Roles::default();
        let role = asked(b"OPTIONS /primary HTTP/1.0\r\n\r\n").unwrap();
        let mark = Mark::new(1, Timestamp(0));
        let mut told = Vec::new();
        for (n, status) in statuses.iter().enumerate() {
            roles.ask(n as u32, role, LB, (Ip::v4([192, 0, 2, 11 + n as u8]), 8008));
            told.push(roles.answer(n as u32, mark, Some(*status)));
        }
        (told, roles.nobodys().len())
    }

    #[test]
    fn who_has_another_role_makes_no_error_where_somebody_has_it() {
        assert_eq!(pool(&[200, 503, 503]), (vec![false, true, true], 0));
        assert_eq!(pool(&[503, 503, 503]), (vec![true, true, true], 3));
        assert_eq!(pool(&[503]), (vec![true], 0), "of one server it does not show");
        assert_eq!(pool(&[200, 500]), (vec![false, false], 0), "an error of its own");
    }

    #[test]
    fn what_asks_for_a_role_is_known_by_its_target() {
        assert!(asked(b"GET /replica?lag=16MB HTTP/1.1\r\n").is_some());
        assert_ne!(asked(b"GET /v1/sys/health HTTP/1.1\r\n"), asked(b"GET /primary HTTP/1.1\r\n"));
        for other in [
            &b"POST /primary HTTP/1.1\r\n"[..],
            b"GET /primary/x HTTP/1.1\r\n",
            b"GET / HTTP/1.1\r\n",
        ] {
            assert_eq!(asked(other), None);
        }
        let vault = asked(b"GET /v1/sys/health HTTP/1.1\r\n").unwrap();
        assert!(is_other(vault, 429) && !is_other(vault, 503), "sealed");
    }
}
