//! Which event a record of [`super::DeadLetters`] is, and where its dead letter comes from.

use super::{LOGS, Mutant, Record};

/// The event that a record is taken for; of a replay that of its dead letter.
pub(super) fn identity(record: Record, mutant: Option<Mutant>) -> usize {
    match record {
        Record::Damaged | Record::Repaired if mutant == Some(Mutant::DamagedStandsForGood) => {
            Record::Poison as usize
        }
        Record::Repaired => Record::Damaged as usize,
        Record::Good | Record::Poison | Record::Damaged => record as usize,
    }
}

/// The event that a record is once it is decoded.
pub(super) fn content(record: Record, letter: usize, mutant: Option<Mutant>) -> usize {
    match record {
        Record::Repaired if mutant != Some(Mutant::RepairedKeepsLetter) => record.effect(),
        Record::Good | Record::Poison | Record::Damaged | Record::Repaired => letter,
    }
}

impl Record {
    /// Whether it is poison until the cause is mended.
    pub(super) fn is_poison(self) -> bool {
        matches!(self, Self::Poison | Self::Repaired)
    }

    /// The event whose effect it has.
    pub(super) fn effect(self) -> usize {
        match self {
            Self::Good | Self::Poison | Self::Damaged => self as usize,
            Self::Repaired => Self::Poison as usize,
        }
    }
}

/// A number for an offset of a topic.
pub(super) fn place(topic: usize, offset: u8) -> u8 {
    topic as u8 * LOGS[0].len() as u8 + offset
}
