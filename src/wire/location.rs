//! Where an answer in HTTP sends its client on (RFC 9110, section 10.2.2), held against what the client asked for.

/// Statuses that name the place to go on to (RFC 9110, section 15.4).
pub const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// By which scheme a client is sent to the very place that it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// Without TLS, or by the same scheme.
    Plain,
    /// By TLS.
    Tls,
}

/// Whether a Location names the host and the target that were asked for.
#[must_use]
pub fn leads_back(location: &[u8], host: &[u8], target: &[u8]) -> Option<Back> {
    let place = location.split(|b| *b == b'#').next()?;
    let after = |scheme: &[u8]| {
        let head = place.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &place[scheme.len()..])
    };
    let (back, rest) = match (after(b"http://"), after(b"https://")) {
        (Some(rest), _) => (Back::Plain, rest),
        (_, Some(rest)) => (Back::Tls, rest),
        _ if place.starts_with(b"//") => return None,
        _ => return (place == target).then_some(Back::Plain),
    };
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let same_host = without_port(authority).eq_ignore_ascii_case(without_port(host));
    let same_place = path == target || path.is_empty() && target == b"/";
    (same_host && same_place).then_some(back)
}

/// A host without the port of its scheme.
fn without_port(host: &[u8]) -> &[u8] {
    let port = |port: &[u8]| host.strip_suffix(port);
    port(b":80").or_else(|| port(b":443")).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(location: &str, target: &str) -> Option<Back> {
        leads_back(location.as_bytes(), b"shop.example", target.as_bytes())
    }

    #[test]
    fn the_same_place_is_told_by_host_and_target() {
        assert_eq!(back("http://shop.example/a?b=1", "/a?b=1"), Some(Back::Plain));
        assert_eq!(back("https://Shop.Example:443/a", "/a"), Some(Back::Tls));
        assert_eq!(back("https://shop.example", "/"), Some(Back::Tls));
        assert_eq!(back("/a#top", "/a"), Some(Back::Plain));
    }

    #[test]
    fn another_place_is_none() {
        for location in [
            "https://www.shop.example/a",
            "https://shop.example/b",
            "https://shop.example:8443/a",
            "/b",
            "//shop.example/a",
            "a",
        ] {
            assert_eq!(back(location, "/a"), None, "{location}");
        }
    }
}
