//! Who translates a service, and so whose language commands speak: a cluster's, IPVS', or, where
//! nothing tells, netfilter's as well as IPVS'. A director that nobody captured and that stated
//! nothing may be either.

use super::cluster;
use super::ipvsadm::Virtual;
use crate::topology::{Mode, Service};
use crate::trace::Trace;
use crate::wire::Ip;

/// Who is known to translate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translator {
    /// The node of a cluster, whose table a program writes.
    Cluster,
    /// IPVS: its table was stated, or the service is forwarded as IPVS alone does.
    Ipvs,
    /// One or the other.
    Untold,
}

impl Translator {
    /// Who translates a service, or forwards it.
    #[must_use]
    pub fn of(trace: &Trace, service: &Service) -> Self {
        let stated =
            || service.directors.iter().any(|d| trace.stated_service(d.host, service).is_some());
        if cluster::is_clusters(trace, service) {
            Self::Cluster
        } else if matches!(service.mode, Mode::Dr | Mode::Tun) || stated() {
            Self::Ipvs
        } else {
            Self::Untold
        }
    }
}

/// What lists that a service is translated to a real server, by who translates it; each that is there answers.
#[must_use]
pub fn lists(by: Translator, service: &Service, target: Ip) -> String {
    let tables = super::tables(target);
    let netfilter =
        format!("{tables}-save -t nat | grep -wF {target}; nft list ruleset | grep -wF {target}");
    match by {
        Translator::Cluster => netfilter,
        Translator::Ipvs => Virtual::of(service).list(),
        Translator::Untold => format!("{}; {netfilter}", Virtual::of(service).list()),
    }
}
