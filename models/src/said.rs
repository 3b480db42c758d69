//! What one service has said about one key, as a listener that drops repeats hears it.

use crate::small_set::SmallSet;

/// The first occurrences on the topic of the answers 1, 2, 3, …
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Said {
    /// The sequence numbers that the topic holds at least once.
    sequences: SmallSet,
    /// An answer came before one with a smaller sequence number. What is missing then comes too
    /// late or never, so a gap counts from the moment it is made.
    disordered: bool,
}

impl Said {
    /// The answer `sequence` is appended to the topic; a repeat changes nothing.
    pub fn append(&mut self, sequence: u8) {
        let gap = !SmallSet::range(1, sequence - 1).without(self.sequences).is_empty();
        self.disordered |= gap && !self.sequences.contains(sequence);
        self.sequences.insert(sequence);
    }

    /// The sequence numbers that the topic holds.
    pub fn sequences(self) -> SmallSet {
        self.sequences
    }

    /// Whether the first occurrences stand in the order of their sequence numbers.
    pub fn in_order(self) -> bool {
        !self.disordered
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    fn in_order(sequences: &[u8]) -> bool {
        let mut said = Said::default();
        sequences.iter().for_each(|&sequence| said.append(sequence));
        said.in_order()
    }

    #[test]
    fn repeats_disturb_no_order() {
        assert!(in_order(&[1, 2, 1, 2, 3, 1]));
    }

    #[test]
    fn a_gap_is_disorder_even_when_it_is_filled() {
        assert!(!in_order(&[2]));
        assert!(!in_order(&[1, 3, 2]));
    }
}
