//! Values of which many lists have but one: most columns of most tables never change.

/// A list that takes no memory while all its values are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct List<T> {
    one: T,
    /// How many there are of it; 0 as soon as they stand in `each`.
    same: usize,
    each: Vec<T>,
}

impl<T: Copy + Default + PartialEq> List<T> {
    #[inline]
    pub(super) fn push(&mut self, value: T) {
        if self.each.is_empty() {
            if self.same == 0 {
                self.one = value;
            }
            if value == self.one {
                self.same += 1;
                return;
            }
            self.part();
        }
        self.each.push(value);
    }

    /// The next value is another one.
    #[cold]
    fn part(&mut self) {
        self.each.resize(self.same, self.one);
        self.same = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.same + self.each.len()
    }

    /// What all of them are, or each of them.
    pub(super) fn values(&self) -> Result<T, &[T]> {
        if self.same > 0 { Ok(self.one) } else { Err(&self.each) }
    }

    /// The last one.
    pub(super) fn last(&self) -> Option<T> {
        self.each.last().copied().or_else(|| (self.same > 0).then_some(self.one))
    }

    /// Begins anew, in the same memory.
    pub(super) fn clear(&mut self) {
        self.each.clear();
        self.same = 0;
    }
}

impl<T: Copy + Default + PartialEq> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut list = Self::default();
        values.into_iter().for_each(|value| list.push(value));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_value_until_another_comes() {
        let mut list = List::default();
        assert_eq!((list.len(), list.last(), list.values()), (0, None, Err(&[][..])));
        (0..3).for_each(|_| list.push(7));
        assert_eq!((list.len(), list.last(), list.values()), (3, Some(7), Ok(7)));
        list.push(8);
        assert_eq!((list.len(), list.last(), list.values()), (4, Some(8), Err(&[7, 7, 7, 8][..])));
        list.clear();
        list.push(9);
        assert_eq!((list.len(), list.values()), (1, Ok(9)));
    }
}
