//! What was read: the dead letters that are wanted, and what became of each.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use choreography::Config;
use choreography::dead_letter::Death;
use rdkafka::Offset;
use shared_events::ids::EventId;
use shared_events::topics::{DEAD_LETTERS_END, REPLAYS_END};

use super::letter::{Letter, replay};
use crate::follow::Record;
use crate::kafka;
use crate::records::from::From;
use crate::records::merge::bytes;
use crate::records::{read_to_the_end, starts};

/// So many records are read, dead letters and replays together.
const READ_MAX: u64 = 500_000;

/// So many dead letters are kept to be told, in memory of at most so many bytes.
const KEPT_MAX: usize = 10_000;
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What became of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was not replayed.
    Waiting,
    /// Its replay stands in the replay topic.
    Replayed,
    /// There is a letter of a later death.
    DiedAgain,
    /// The same letter stands before it: one that is not acknowledged is said again.
    Repeat,
    /// It does not say which event died.
    NoLetter,
}

impl State {
    /// In words.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::DiedAgain => "died again",
            Self::Repeat => "repeat",
            Self::NoLetter => "no dead letter",
        }
    }
}

/// The dead letters that are wanted, the earliest first.
#[derive(Default)]
pub(super) struct Book {
    pub(super) letters: Vec<Letter>,
    /// So many more are wanted than are kept.
    pub(super) more: u64,
    /// Not all records were read, as there are too many.
    pub(super) is_cut: bool,
    histories: HashMap<(String, EventId), History>,
    read: u64,
    bytes: usize,
}

/// All that stands about one event in one group.
#[derive(Default)]
struct History {
    letters: Vec<Stand>,
    replays: Vec<Stand>,
}

/// Where a letter or a replay stands on its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    /// Of which death it is.
    pub(super) attempt: u32,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// What is to be read.
pub(super) struct Reading<'a> {
    /// Where to begin on the topics of dead letters. Replays are always read from the beginning.
    pub(super) from: From,
    /// Whether a topic of dead letters is read.
    pub(super) topic: &'a dyn Fn(&str) -> bool,
    /// Whether a letter is kept.
    pub(super) letter: &'a dyn Fn(&Letter) -> bool,
}

impl Book {
    /// Reads dead letters, and the replays of their groups.
    ///
    /// # Errors
    /// Kafka cannot be read, or there is no such topic.
    pub(super) async fn read(config: &Config, reading: Reading<'_>) -> anyhow::Result<Self> {
        let look = kafka::look(config, None).await?;
        let dead = topics(&look, reading.topic)?;
        let has = |name: &String| look.topics().any(|topic| topic == name);
        let replays: Vec<String> = dead.iter().map(|topic| replays_of(topic)).filter(has).collect();
        let (dead, replays) = (look.partitions(&dead)?, look.partitions(&replays)?);
        let (asking, from) = (config.clone(), reading.from);
        let asked = tokio::task::spawn_blocking(move || starts::starts(&asking, from, &dead));
        let at = || format!("Kafka at {}", config.brokers);
        let mut starts = asked.await.context("where to begin")?.with_context(at)?;
        for (topic, partition) in replays {
            starts
                .add_partition_offset(&topic, partition, Offset::Beginning)
                .context("where to begin")?;
        }
        let mut book = Self::default();
        let take = |record| book.take(record, reading.letter);
        read_to_the_end(config, &starts, take).await.with_context(at)?;
        Ok(book)
    }

    /// Takes a record; out: whether it may be followed by another one.
    fn take(&mut self, record: Record, is_wanted: &dyn Fn(&Letter) -> bool) -> bool {
        if self.read == READ_MAX {
            self.is_cut = true;
            return false;
        }
        self.read += 1;
        if record.topic.ends_with(REPLAYS_END) {
            // Others are no replays to their group either.
            if let Ok(dead) = replay(&record) {
                let stand = Stand::of(&record, &dead);
                self.history_of(&dead).replays.push(stand);
            }
            return true;
        }
        let size = bytes(&record);
        let letter = Letter::read(record);
        if let Ok(dead) = &letter.dead {
            let stand = Stand::of(&letter.record, dead);
            self.history_of(dead).letters.push(stand);
        }
        if is_wanted(&letter) {
            if self.letters.len() < KEPT_MAX && self.bytes + size <= KEPT_BYTES_MAX {
                self.bytes += size;
                self.letters.push(letter);
            } else {
                self.more += 1;
            }
        }
        true
    }

    fn history_of(&mut self, dead: &Death) -> &mut History {
        self.histories.entry((dead.group.clone(), dead.id)).or_default()
    }

    /// What became of a letter. Which death a letter and a replay are of is in their headers, so no
    /// clocks are compared.
    pub(super) fn state(&self, letter: &Letter) -> State {
        let Ok(dead) = &letter.dead else { return State::NoLetter };
        let Some(history) = self.histories.get(&(dead.group.clone(), dead.id)) else {
            return State::Waiting;
        };
        let own = Stand::of(&letter.record, dead);
        let first = history.letters.iter().find(|stand| stand.attempt == dead.attempt);
        if history.letters.iter().any(|stand| dead.attempt < stand.attempt) {
            State::DiedAgain
        } else if first.is_some_and(|first| *first != own) {
            State::Repeat
        } else if history.replays.iter().any(|stand| dead.attempt <= stand.attempt) {
            State::Replayed
        } else {
            State::Waiting
        }
    }

    /// Where replays of a letter stand: those of this death.
    pub(super) fn replays(&self, letter: &Letter) -> Vec<Stand> {
        let Ok(dead) = &letter.dead else { return vec![] };
        let history = self.histories.get(&(dead.group.clone(), dead.id));
        let replays = history.map_or(&[][..], |history| &history.replays);
        replays.iter().filter(|stand| stand.attempt == dead.attempt).copied().collect()
    }

    /// How many letters are in this state.
    pub(super) fn count(&self, state: State) -> usize {
        self.letters.iter().filter(|letter| self.state(letter) == state).count()
    }

    /// What is not told, if that is so: an end of a summary.
    pub(super) fn omitted(&self) -> String {
        let more = match self.more {
            0 => String::new(),
            more => format!("; {more} later ones are not told: at most {KEPT_MAX} are"),
        };
        let cut = if self.is_cut {
            format!("; only the earliest {READ_MAX} records were read")
        } else {
            String::new()
        };
        let remedy = if more.is_empty() && cut.is_empty() {
            ""
        } else {
            "; --from, --group and --topic narrow it down"
        };
        format!("{more}{cut}{remedy}")
    }
}

impl Stand {
    fn of(record: &Record, dead: &Death) -> Self {
        let Record { partition, offset, .. } = *record;
        Self { attempt: dead.attempt, partition, offset }
    }
}

/// The replay topic that belongs to a topic of dead letters.
pub(super) fn replays_of(topic: &str) -> String {
    format!("{}{REPLAYS_END}", topic.strip_suffix(DEAD_LETTERS_END).unwrap_or(topic))
}

/// Whether a topic is one of dead letters, by its name.
pub(super) fn is_dead_letter_topic(topic: &str) -> bool {
    topic.ends_with(DEAD_LETTERS_END)
}

fn topics(look: &kafka::Look, is_wanted: &dyn Fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
    let all: Vec<&str> = look.topics().filter(|topic| is_dead_letter_topic(topic)).collect();
    ensure!(
        !all.is_empty(),
        "there is no topic of dead letters (TOPIC.GROUP{DEAD_LETTERS_END}); `choreo topics create` creates \
         those of the services"
    );
    let wanted = all.iter().filter(|topic| is_wanted(topic));
    let wanted: Vec<String> = wanted.map(|topic| (*topic).to_owned()).collect();
    ensure!(
        !wanted.is_empty(),
        "there is no such topic of dead letters (TOPIC.GROUP{DEAD_LETTERS_END}); there are {}",
        all.join(", ")
    );
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Timestamp;

    use super::*;

    #[test]
    fn what_is_not_told_is_said() {
        let mut book = Book::default();
        let record = |offset| {
            let (topic, time) = ("orders.a.dlq".to_owned(), Timestamp::NotAvailable);
            let (key, headers, value) = (None, vec![], None);
            Record { topic, partition: 0, offset, time, key, headers, value }
        };
        assert!((0..10_003).all(|offset| book.take(record(offset), &|_| true)));
        assert_eq!((book.letters.len(), book.more), (10_000, 3));
        assert_eq!(
            book.omitted(),
            "; 3 later ones are not told: at most 10000 are; --from, --group and --topic narrow it down"
        );
        assert!((10_003..500_000).all(|offset| book.take(record(offset), &|_| false)));
        assert!(!book.is_cut);
        assert!(!book.take(record(500_000), &|_| false));
        assert!(book.is_cut && book.omitted().contains("only the earliest 500000 records"));
    }
}
