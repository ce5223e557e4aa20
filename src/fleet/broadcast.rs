//! What every part of the work knows: captures, vantages, hosts, neighbours, and how it is to be done.
//!
//! It is small beside streams, and travels with the functions that need it.

use super::packed::OF_CAPTURE;
use super::said::Said;
use super::together::Together;
use crate::topology::StatedRoles;
use crate::wire::Ip;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::AtomicU64;

/// A capture whose tables are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// As its folder is named, and as its rows name it.
    pub(super) id: String,
    /// As reports call it.
    pub(super) label: String,
    /// Its vantages, as rows name them.
    pub(super) vantages: Vec<String>,
    /// The same as reports call them.
    pub(super) names: Vec<String>,
}

/// Rows that come to be tied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    /// Streams.
    pub(super) streams: u64,
    /// Rows about them.
    pub(super) about: u64,
}

/// How the work is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct How {
    /// Addresses of services, as the user stated them.
    pub(super) vips: Vec<String>,
    /// Parts into which streams are dealt; 1 is the whole fleet in one.
    pub(super) parts: u32,
    /// Of each part: connections that are kept of those to one server that ended alike and did well, and
    /// of those that did not.
    pub(super) keep: [u32; 2],
    /// Only some streams are asked for: rows about others are left out.
    pub(super) part: bool,
    /// Streams that there are, and rows about them at most; where all are asked for.
    pub(super) rows: Option<Counted>,
    /// Connections that the report lists: `all`, `affected`, `none`; empty where that is open.
    pub(super) list: String,
    /// Whether what a page shows beside the report is asked for.
    pub(super) page: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Broadcast {
    pub(super) members: Vec<Member>,
    pub(super) how: How,
    /// What lies in one part though its numbers differ.
    pub(super) together: Together,
    /// What the user and the hosts say.
    pub(super) said: Said,
    /// The same as what ties and roles rest on.
    pub(super) stated: StatedRoles,
    /// Packed rows of all that is no stream's.
    pub(super) rows: Vec<u8>,
    /// By vantage of the fleet: its capture.
    captures: Vec<usize>,
    /// By capture and vantage as rows name them: the vantage of the fleet, or the capture.
    places: HashMap<String, (u32, HashMap<String, u32>)>,
    digest: String,
    /// Rows that went through, for who waits.
    pub(super) seen: AtomicU64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    members: Vec<Member>,
    how: How,
    together: Together,
    said: Said,
}

impl Broadcast {
    pub(super) fn new(
        members: Vec<Member>,
        how: How,
        together: Together,
        said: Said,
        rows: Vec<u8>,
    ) -> Self {
        let mut captures = Vec::new();
        let mut places = HashMap::new();
        for (at, member) in members.iter().enumerate() {
            let own = member.vantages.iter().map(|vantage| {
                captures.push(at);
                (vantage.clone(), captures.len() as u32 - 1)
            });
            let own = own.collect();
            places.insert(member.id.clone(), (OF_CAPTURE | at as u32, own));
        }
        let vip = |text: &String| text.parse::<std::net::IpAddr>().ok().map(Ip::from);
        let stated = said.roles(how.vips.iter().filter_map(vip).collect());
        let mut own = Self {
            members,
            how,
            together,
            said,
            stated,
            rows,
            captures,
            places,
            digest: String::new(),
            seen: AtomicU64::new(0),
        };
        own.digest = format!("{:x}", Sha256::digest(own.encode(true)));
        own
    }

    /// Vantages of all captures.
    pub(super) fn vantages(&self) -> usize {
        self.captures.len()
    }

    /// The capture of a row.
    pub(super) fn capture_of(&self, vantage: u32) -> Option<usize> {
        if vantage & OF_CAPTURE != 0 {
            return Some((vantage & !OF_CAPTURE) as usize);
        }
        self.captures.get(vantage as usize).copied()
    }

    /// The vantage of a row, as the fleet numbers it.
    pub(super) fn vantage(&self, capture: &str, vantage: Option<&str>) -> Option<u32> {
        let (whole, own) = self.places.get(capture)?;
        match vantage {
            None => Some(*whole),
            Some(vantage) => own.get(vantage).copied(),
        }
    }

    /// For who works elsewhere, with rows and what was said or without.
    pub(super) fn encode(&self, rows: bool) -> Vec<u8> {
        let head = Head {
            members: self.members.clone(),
            how: self.how.clone(),
            together: self.together.clone(),
            said: if rows { self.said.clone() } else { Said::default() },
        };
        let mut out = Vec::new();
        // It holds nothing that cannot be written so.
        let head = serde_json::to_vec(&head).unwrap_or_default();
        out.extend((head.len() as u64).to_le_bytes());
        out.extend(head);
        out.extend(if rows { &self.rows[..] } else { &[] });
        out
    }

    /// What [`Self::encode`] gave.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (head, rows) = rest.split_at_checked(length)?;
        let Head { members, how, together, said } = serde_json::from_slice(head).ok()?;
        Some(Self::new(members, how, together, said, rows.to_vec()))
    }
}

impl PartialEq for Broadcast {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Broadcast {}

impl Hash for Broadcast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}
