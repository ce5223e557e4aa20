//! Small words of the document.

use super::CoverageStatus;
use crate::capture::Timestamp;
use crate::diagnose::Checked;
use crate::topology::Mode;
use crate::trace::{Trace, Why};

/// RFC 3339 in UTC with nanoseconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0))
        .map_or_else(|_| String::new(), |t| format!("{t:.9}"))
}

pub(super) fn coverage_reason(checked: &Checked) -> (CoverageStatus, Option<String>) {
    match checked {
        Checked::Found => (CoverageStatus::Found, None),
        Checked::Clean => (CoverageStatus::Clean, None),
        Checked::Unchecked(why) => (CoverageStatus::NotCheckable, Some(why.clone())),
    }
}

/// Why a host has its role.
pub(super) fn describe_role(trace: &Trace, why: Why) -> String {
    let service = |id| trace.topology.service(id);
    match why {
        Why::Forwards(id) => describe_mode(service(id).mode, &service(id).name()),
        Why::Serves(id) => format!("serves connections to {}", service(id).name()),
        Why::Calls(ip) => format!("connects to {ip}"),
        Why::Claims(ip) => format!("claims {ip} among others"),
        Why::Owns(id) => format!("owns {}", service(id).name()),
        Why::NextHop => "the next hop of several, whose packets come from its MAC".to_owned(),
        Why::Passes => "passes packets between the others".to_owned(),
        Why::Gets => "gets packets; what it does with them was not seen".to_owned(),
        Why::Captured => "a capture was taken on it; no connection is known to pass it".to_owned(),
    }
}

fn describe_mode(mode: Mode, service: &str) -> String {
    match mode {
        Mode::Nat => format!("rewrites the destination of packets for {service}"),
        Mode::FullNat => format!("rewrites both addresses of packets for {service}"),
        Mode::Dr => format!("sends packets for {service} on to other MACs, unchanged"),
        Mode::Tun => format!("sends packets for {service} on in a tunnel"),
        Mode::Proxy | Mode::Unknown => format!("serves {service}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_nine_decimals_and_a_zone() {
        assert_eq!(rfc3339(Timestamp(1_500_000_000)), "1970-01-01T00:00:01.500000000Z");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999999999Z");
    }
}
