//! The journal of a load: each order that a client has placed, and what it was answered.
//!
//! As a file it has one JSON object on each line, in the order of the answers.

use serde::{Deserialize, Serialize};
use shared_events::orders::CancellationCode;

/// What became of placing an order, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// All in-sync replicas have it.
    Acknowledged,
    /// It was not taken.
    Refused,
    /// It may exist, and never twice.
    Unknown,
}

/// How an order has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is confirmed, shipped and completed.
    Completed,
    /// It is cancelled, and this is among the reasons.
    Cancelled(CancellationCode),
    /// One or the other: it depends on who comes first.
    Either(CancellationCode),
}

/// One order of a load. Times are milliseconds since 1970 by the client's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The order's id; none if the client was never told.
    pub order_id: Option<String>,
    /// The key that makes a repeated request the same order, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// When it should have been placed.
    pub intended_ms: i64,
    /// When it was.
    pub sent_ms: i64,
    /// When it was answered, or given up.
    pub answered_ms: i64,
    /// What it was answered.
    pub answer: Answer,
    /// Why it was not acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How it has to end, where the client knows; no file says it.
    #[serde(skip)]
    pub fate: Option<Fate>,
    /// So many different OrderPlaced its client may have said; no file says it.
    #[serde(skip, default = "one")]
    pub events_max: usize,
}

fn one() -> usize {
    1
}

impl Entry {
    /// An order that was placed and acknowledged at this time.
    #[must_use]
    pub fn acknowledged(order_id: &str, at_ms: i64) -> Self {
        Self {
            order_id: Some(order_id.to_owned()),
            idempotency_key: None,
            intended_ms: at_ms,
            sent_ms: at_ms,
            answered_ms: at_ms,
            answer: Answer::Acknowledged,
            why: None,
            fate: None,
            events_max: one(),
        }
    }

    /// The line of a file, with its end.
    ///
    /// # Errors
    /// Never: all of it is text and numbers.
    pub fn line(&self) -> anyhow::Result<String> {
        Ok(format!("{}\n", serde_json::to_string(self)?))
    }
}

/// The orders of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Each order.
    pub entries: Vec<Entry>,
    /// Whether nobody else places orders.
    pub is_all: bool,
}

/// A journal has at most so many lines.
const LINES_MAX: usize = 1_000_000;

impl Journal {
    /// Reads the text of a file. Its last line may be cut off: then the load has not ended yet.
    ///
    /// # Errors
    /// Which line is none of a journal, or there are too many.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut entries = vec![];
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            anyhow::ensure!(
                number <= LINES_MAX,
                "the journal has more than {LINES_MAX} lines; check a part of it"
            );
            match serde_json::from_str(line) {
                Ok(entry) => entries.push(entry),
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => {
                    anyhow::bail!(
                        "line {number} of the journal is not as `choreo load --journal` writes it: {error}"
                    )
                }
            }
        }
        Ok(Self { entries, is_all: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut unknown = Entry::acknowledged("b", 2);
        unknown.answer = Answer::Unknown;
        unknown.why = Some("timed out".to_owned());
        let nameless = Entry { order_id: None, answer: Answer::Refused, ..unknown.clone() };
        let entries = vec![Entry::acknowledged("a", 1), unknown, nameless];
        let text: String = entries.iter().map(|entry| entry.line().unwrap()).collect();
        assert_eq!(Journal::parse(&text).unwrap(), Journal { entries, is_all: false });
        let line = r#"{"order_id":"a","intended_ms":1,"sent_ms":1,"answered_ms":1,"answer":"acknowledged"}"#;
        assert_eq!(text.lines().next(), Some(line));
    }

    #[test]
    fn a_line_that_is_being_written_is_not_read_and_a_wrong_one_is_told() {
        let line = Entry::acknowledged("a", 1).line().unwrap();
        let cut = format!("{line}{}", &line[..20]);
        assert_eq!(Journal::parse(&cut).unwrap().entries.len(), 1);
        let wrong = Journal::parse(&format!("{line}no\n{line}")).unwrap_err();
        assert!(wrong.to_string().contains("line 2"), "{wrong}");
    }
}
