//! Commands of ip(8) that change something.

use crate::wire::Ip;

/// An address on an interface.
#[derive(Debug, Clone)]
pub struct Address {
    what: String,
    device: String,
}

impl Address {
    /// With the length of its prefix.
    #[must_use]
    pub fn new(ip: Ip, bits: u8, device: &str) -> Self {
        Self { what: format!("{ip}/{bits}"), device: device.to_owned() }
    }

    /// Alone in its prefix: a VIP that is nobody's neighbour.
    #[must_use]
    pub fn single(ip: Ip, device: &str) -> Self {
        Self::new(ip, if ip.is_v4() { 32 } else { 128 }, device)
    }

    /// Puts it there.
    #[must_use]
    pub fn add(&self) -> String {
        format!("ip addr add {} dev {}", self.what, self.device)
    }

    /// Takes it away.
    #[must_use]
    pub fn del(&self) -> String {
        format!("ip addr del {} dev {}", self.what, self.device)
    }
}

/// Makes a neighbour forget whose MAC it took an address for; it asks again.
#[must_use]
pub fn forget_neighbour(ip: Ip) -> String {
    format!("ip neigh del {ip} dev IFACE")
}
