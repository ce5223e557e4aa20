//! Values of the details that `tshark -V` prints, behind their names.

use super::ends;
use super::scan::Scan;
use super::shown::{Carrier, Extent, Header, Layer, MacBytes, Options};

/// What stands behind a name, up to the next comma.
pub(super) fn after<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, value) = text.split_once(name)?;
    Some(value.split(',').next().unwrap_or(value).trim())
}

pub(super) fn num<T: TryFrom<u64>>(text: &str, name: &str) -> Option<T> {
    Scan::new(after(text, name)?).num()
}

/// `80`, `http (80)`
pub(super) fn port(text: &str, name: &str) -> Option<u16> {
    let value = after(text, name)?;
    let inside = value.split_once('(').map_or(value, |(_, inside)| inside);
    inside.trim_end_matches(')').parse().ok().or_else(|| ends::port(value))
}

/// `52:54:00:aa:00:01 (52:54:00:aa:00:01)`, `RealtekU_aa:00:01 (52:54:00:aa:00:01)`
pub(super) fn mac(text: &str, name: &str) -> Option<MacBytes> {
    after(text, name)?.split_whitespace().find_map(ends::mac)
}

pub(super) fn flow(text: &str) -> Option<Layer> {
    let end = |name| {
        let value = after(text, name)?;
        value.split_whitespace().find_map(|word| ends::end(word, None)).map(|end| end.0)
    };
    let (src, dst) = (end("Src: ")?, end("Dst: ")?);
    (src.is_ipv4() == dst.is_ipv4()).then(|| Layer {
        src,
        dst,
        header: Header::default(),
        carrier: Carrier::Ip,
    })
}

/// `0x1a2b (6699)`
pub(super) fn hex(text: &str) -> Option<u32> {
    text.starts_with("0x").then(|| Scan::new(text).hex()).flatten()
}

/// An option of TCP behind `TCP Option - `.
pub(super) fn option(text: &str, options: &mut Options) {
    let bytes = &mut options.bytes;
    if let Some(mss) = num::<u16>(text, "Maximum segment size: ") {
        bytes.extend([2, 4]);
        bytes.extend(mss.to_be_bytes());
    } else if text.starts_with("SACK permitted") {
        bytes.extend([4, 2]);
    } else if let (Some(value), Some(echo)) =
        (num::<u32>(text, "TSval "), num::<u32>(text, "TSecr "))
    {
        bytes.extend([8, 10]);
        bytes.extend(value.to_be_bytes());
        bytes.extend(echo.to_be_bytes());
    } else if let Some(scale) = num::<u8>(text, "Window scale: ") {
        bytes.extend([3, 3, scale]);
    } else if text.starts_with("No-Operation") {
        bytes.push(1);
    } else if text.starts_with("End of Option List") {
        bytes.push(0);
    } else {
        options.extent = Extent::Some;
    }
}
