//! Commands of ip(8) that change something.

use super::step::Step;
use crate::wire::Ip;

/// An address on an interface.
#[derive(Debug, Clone)]
pub struct Address {
    ip: Ip,
    what: String,
    device: String,
}

impl Address {
    /// With the length of its prefix.
    #[must_use]
    pub fn new(ip: Ip, bits: u8, device: &str) -> Self {
        Self { ip, what: format!("{ip}/{bits}"), device: device.to_owned() }
    }

    /// Alone in its prefix: a VIP that is nobody's neighbour.
    #[must_use]
    pub fn single(ip: Ip, device: &str) -> Self {
        Self::new(ip, if ip.is_v4() { 32 } else { 128 }, device)
    }

    /// Puts it there.
    #[must_use]
    pub fn given(&self) -> Step {
        Step::new(self.add(), self.del())
    }

    /// The same of an address of IPv6 that others have too: nobody is asked whether it is
    /// free.
    #[must_use]
    pub fn given_unasked(&self) -> Step {
        Step::new(format!("{} nodad", self.add()), self.del())
    }

    /// Puts it there in the place of the same address with another mask or on another
    /// interface; the old one stays where the new one is there already.
    #[must_use]
    pub fn in_place_of(&self, mask: &str, device: &str) -> Step {
        let old = Self { what: format!("{}/{mask}", self.ip), device: device.to_owned(), ..*self };
        let put = |new: &Self, old: &Self| format!("{} && {}", new.put(), old.del());
        Step::new(put(self, &old), put(&old, self))
    }

    /// Adds it, if it is not there.
    fn put(&self) -> String {
        format!("ip addr replace {} dev {}", self.what, self.device)
    }

    fn add(&self) -> String {
        format!("ip addr add {} dev {}", self.what, self.device)
    }

    fn del(&self) -> String {
        format!("ip addr del {} dev {}", self.what, self.device)
    }
}

/// Another default gateway for packets of a family; the old one is printed before.
#[must_use]
pub fn default_via(via: &str, v4: bool) -> [Step; 2] {
    let ip = if v4 { "ip" } else { "ip -6" };
    let replace = |gateway: &str| format!("{ip} route replace default via {gateway}");
    [
        Step::look(format!("{ip} route show default")),
        Step::new(replace(via), replace("BEFORE"))
            .back_if("BEFORE: with all that the first line printed behind 'via'"),
    ]
}

/// Makes a neighbour forget whose MAC it took an address for; it asks again.
#[must_use]
pub fn forget_neighbour(ip: Ip) -> String {
    format!("ip neigh del {ip} dev IFACE")
}
