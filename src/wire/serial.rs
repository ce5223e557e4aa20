//! Addresses and protocols as they travel between processes: in the form in which people write them.

use super::addr::{Ip, Mac};
use super::protocol::Protocol;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::net::IpAddr;

impl Serialize for Ip {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ip {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IpAddr::deserialize(from).map(Self::from)
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom("no MAC address"))
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u8::deserialize(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let all = (
            [Ip::v4([10, 0, 0, 1]), Ip::v6([0xfe; 16]), Ip::v6([0; 16])],
            Mac([0x52, 0x54, 0, 1, 2, 3]),
            Protocol::UDP,
        );
        let text = serde_json::to_string(&all).unwrap();
        assert!(text.contains("\"10.0.0.1\"") && text.contains("\"52:54:00:01:02:03\""), "{text}");
        let again: ([Ip; 3], Mac, Protocol) = serde_json::from_str(&text).unwrap();
        assert_eq!(again, all);
        assert!(serde_json::from_str::<Mac>("\"x\"").is_err());
    }
}
