//! Tables that most interfaces have no use for: a capture may have 65,536 of those.

/// A table that takes a pointer until something is entered.
#[derive(Debug, Clone)]
pub(super) struct OnDemand<T>(Option<Box<T>>);

impl<T> Default for OnDemand<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> OnDemand<T> {
    /// It, if anything was entered.
    pub fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// It, to change, if anything was entered.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T: Default> OnDemand<T> {
    /// It, to enter something.
    #[inline]
    pub fn make(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}
