//! Which side of which proxy a connection may be.

use crate::wire::Ip;

/// Which suspected proxy a connection leads to, and which it comes from; a proxy
/// is named by one of its addresses. A real server that calls the service makes
/// its backend connections both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides {
    /// The proxy that it leads to.
    pub to: Option<Ip>,
    /// The proxy that it comes from.
    pub from: Option<Ip>,
    /// Where the proxy was seen from one of its own real servers alone.
    pub around: Around,
}

impl Sides {
    /// The proxies of which it may be a side, each once.
    pub fn proxies(self) -> impl Iterator<Item = Ip> {
        let around = match self.around {
            Around::None => None,
            Around::Calls(name) | Around::Called(name) => Some(name),
        };
        let from = self.from.filter(|from| Some(*from) != self.to);
        let around = around.filter(|name| Some(*name) != self.to && Some(*name) != self.from);
        self.to.into_iter().chain(from).chain(around)
    }
}

/// One side of a proxy as its real server's own capture shows it: nothing but what is
/// said ties it to the other. The proxy goes by the real server's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Around {
    /// Neither.
    #[default]
    None,
    /// The real server calls.
    Calls(Ip),
    /// The real server is called.
    Called(Ip),
}
