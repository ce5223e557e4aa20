//! Redaction for what is shown as it is asked for, by several threads.
//!
//! A command that writes one document knows all of it before it hands out stand-ins; a
//! screen does not. So one map is shared, which knows every address of the trace from the
//! beginning, and what is typed on the screen is turned back by it. Refuses to turn an
//! address back that stands for none: whoever sees stand-ins learns no original by asking.

use super::{Labels, Map, frame, text};
use crate::capture::LinkType;
use crate::extract::Extract;
use crate::trace::Trace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What everything passes before it is shown; by default as it is.
#[derive(Debug, Default)]
pub struct Mask(Option<Mutex<Map>>);

impl Mask {
    /// One that shows stand-ins, from a map that may know some already.
    #[must_use]
    pub fn new(map: Map) -> Self {
        Self(Some(Mutex::new(map)))
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The map; none where everything is shown as it is. A thread that panicked over it
    /// left a map that is still one to one.
    fn map(&self) -> Option<MutexGuard<'_, Map>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the names out of a trace and learns its addresses.
    pub fn trace(&self, trace: &mut Trace, labels: &Labels) {
        if let Some(mut map) = self.map() {
            super::trace(trace, labels, &mut map);
        }
    }

    /// A document to show; nothing where it does not survive being written and read,
    /// which none of ours does not.
    pub fn document<T: Serialize + DeserializeOwned>(&self, document: T) -> Option<T> {
        match self.map() {
            None => Some(document),
            Some(mut map) => super::document(&document, &mut map).ok(),
        }
    }

    /// A text to show.
    #[must_use]
    pub fn text(&self, text: String) -> String {
        match self.map() {
            None => text,
            Some(mut map) => {
                map.note_text(&text);
                map.of_text(&text)
            }
        }
    }

    /// The bytes of a frame to show; none where they can be shown as they are.
    #[must_use]
    pub fn frame(&self, link: LinkType, data: &[u8]) -> Option<Vec<u8>> {
        let mut map = self.map()?;
        frame::rewrite(&mut frame::Noting(&mut map), link, data);
        Some(frame::rewrite(&mut *map, link, data))
    }

    /// Frames to write.
    ///
    /// # Errors
    /// Where the temporary file of the frames cannot be written.
    pub fn extract(&self, extract: &mut Extract) -> io::Result<()> {
        self.map().map_or(Ok(()), |mut map| super::extract(extract, &mut map))
    }

    /// What was meant by a text with stand-ins; none where an address in it stands for
    /// no other.
    #[must_use]
    pub fn meant(&self, shown: &str) -> Option<String> {
        let Some(map) = self.map() else { return Some(shown.to_owned()) };
        let mut known = true;
        let meant = text::each(shown, |token, bits| {
            let original = map.original(token, bits);
            known &= original.is_some();
            original.unwrap_or_default()
        });
        known.then_some(meant)
    }

    /// The map as a file keeps it; none where there is none.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        Some(self.map()?.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Ip;

    #[test]
    fn what_is_typed_is_turned_back_and_nothing_else_is() {
        let mut map = Map::default();
        let to = map.ip(Ip::v4([10, 1, 2, 3]));
        let mask = Mask::new(map);
        assert_eq!(mask.text("10.1.2.3:80".to_owned()), format!("{to}:80"));
        assert_eq!(mask.meant(&format!("{to}:80")).as_deref(), Some("10.1.2.3:80"));
        assert_eq!(mask.meant(&format!("{to}/24")).as_deref(), Some("10.1.2.3/24"));
        assert_eq!(mask.meant(&format!("{to}/23")), None, "networks of that size do not stay");
        assert_eq!(mask.meant("127.0.0.1:80").as_deref(), Some("127.0.0.1:80"), "nobody's own");
        assert_eq!(mask.meant("10.1.2.3:80"), None, "an original is not confirmed");
        assert_eq!(mask.meant("outcome").as_deref(), Some("outcome"));
    }

    #[test]
    fn without_redaction_everything_stays() {
        let mask = Mask::default();
        assert_eq!(mask.text("10.1.2.3".to_owned()), "10.1.2.3");
        assert_eq!(mask.meant("10.1.2.3").as_deref(), Some("10.1.2.3"));
        assert_eq!(mask.frame(LinkType::ETHERNET, &[0; 60]), None);
        assert_eq!(mask.kept(), None);
    }
}
