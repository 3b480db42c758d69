//! A set of a few small numbers, as cheap to copy, compare and hash as an integer.

/// A set of numbers from 0 to 31: events, offsets, or the sequence numbers of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SmallSet(u32);

impl SmallSet {
    /// The set without members.
    pub const EMPTY: Self = Self(0);

    /// The set of `member` alone.
    pub fn of(member: u8) -> Self {
        Self(1 << member)
    }

    /// The set of all numbers from `first` to `last`, both included; empty when `last < first`.
    pub fn range(first: u8, last: u8) -> Self {
        (first..=last).collect()
    }

    /// Puts `member` into the set.
    pub fn insert(&mut self, member: u8) {
        *self = self.union(Self::of(member));
    }

    /// Takes `member` out of the set.
    pub fn remove(&mut self, member: u8) {
        *self = self.without(Self::of(member));
    }

    /// Whether `member` is in the set.
    pub fn contains(self, member: u8) -> bool {
        !self.and(Self::of(member)).is_empty()
    }

    /// What is in this set, in the other, or in both.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and in the other.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in the other.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The smallest member.
    pub fn first(self) -> Option<u8> {
        self.iter().next()
    }

    /// How many members there are.
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, the smallest first.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..32).filter(move |member| self.0 & (1 << member) != 0)
    }
}

impl FromIterator<u8> for SmallSet {
    fn from_iter<I: IntoIterator<Item = u8>>(members: I) -> Self {
        let mut set = Self::EMPTY;
        members.into_iter().for_each(|member| set.insert(member));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::SmallSet;

    #[test]
    fn members_come_smallest_first() {
        let set: SmallSet = [7, 0, 31, 7].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 7, 31]);
        assert_eq!((set.len(), set.first()), (3, Some(0)));
    }

    #[test]
    fn a_range_includes_both_ends() {
        assert_eq!(SmallSet::range(1, 3), [1, 2, 3].into_iter().collect());
        assert!(SmallSet::range(1, 0).is_empty());
    }

    #[test]
    fn sets_are_combined() {
        let (left, right) = (SmallSet::range(1, 3), SmallSet::range(3, 4));
        assert_eq!(left.union(right), SmallSet::range(1, 4));
        assert_eq!(left.and(right), SmallSet::of(3));
        assert_eq!(left.without(right), SmallSet::range(1, 2));
    }
}
