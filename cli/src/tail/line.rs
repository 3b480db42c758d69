//! One record as a line for people.

use anstyle::Style;
use shared_events::headers::Received;

use super::causes::Causes;
use super::facts::facts;
use crate::follow::{Record, time};
use crate::records::decode::Payload;
use crate::terminal::{BAD, FAINT, NAME, STRONG, cut, is_refusal, left, plain, readable};

/// From so many characters on, all stands on one line.
const ONE_LINE_WIDTH: usize = 120;
/// The widths of the columns.
const TIME_WIDTH: usize = 13;
const PLACE_WIDTH: usize = 16;
const KEY_WIDTH: usize = 9;
const EVENT_WIDTH: usize = 18;
const SPEAKER_WIDTH: usize = 13;

/// Writes lines for a terminal of this width, or for a pipe.
pub(super) struct Lines {
    width: Option<usize>,
    /// The day of the line before.
    day: String,
}

/// What a line is made of; nothing in it steers a terminal.
struct Parts {
    time: String,
    place: String,
    key: String,
    name: String,
    style: Style,
    speaker: String,
    /// What it answers, with an arrow; empty if it answers nothing.
    cause: String,
    facts: String,
}

impl Lines {
    /// For a terminal whose day is `today`, written as 2026-11-23.
    pub(super) fn new(width: Option<usize>, today: String) -> Self {
        Self { width, day: today }
    }

    /// The text of a record, with the end of its last line.
    pub(super) fn line(&mut self, record: &Record, payload: &Payload, causes: &Causes) -> String {
        let parts = Parts::of(record, payload, causes);
        let text = match self.width {
            None => parts.piped(),
            Some(width) if width < ONE_LINE_WIDTH => self.day(&parts.time) + &parts.narrow(width),
            Some(width) => self.day(&parts.time) + &parts.wide(width),
        };
        format!("{}\n", text.trim_end())
    }

    /// A line with the day, if it is another one than that of the line before.
    fn day(&mut self, time: &str) -> String {
        let day = time.get(..10).unwrap_or_default();
        if day.is_empty() || day == self.day {
            return String::new();
        }
        self.day = day.to_owned();
        format!("{FAINT}{day}{FAINT:#}\n")
    }
}

impl Parts {
    fn of(record: &Record, payload: &Payload, causes: &Causes) -> Self {
        let received = Received::read(&record.headers);
        let name = received.name.or(payload.name()).unwrap_or("-");
        let cause = received.causation.map(|id| format!("← {}", causes.name(&id.to_string())));
        Self {
            time: time(record.time),
            place: format!("{}/{}@{}", plain(&record.topic), record.partition, record.offset),
            key: record.key.as_deref().map(readable).unwrap_or_default(),
            name: plain(name),
            style: if is_refusal(name) { BAD } else { STRONG },
            speaker: plain(received.source.unwrap_or("-").trim_start_matches('/')),
            cause: cause.unwrap_or_default(),
            facts: facts(record, payload, &received),
        }
    }

    /// All of it, with two spaces between the parts.
    fn piped(&self) -> String {
        let Self { time, place, key, name, speaker, cause, facts, .. } = self;
        let cause = if cause.is_empty() { String::new() } else { format!("  {cause}") };
        format!("{time}  {place}  {key}  {name}  {speaker}{cause}  {facts}")
    }

    /// On two lines: where and what; who, in answer to what, and the facts.
    fn narrow(&self, width: usize) -> String {
        let Self { name, style, speaker, .. } = self;
        let (cause, cause_width) = self.cause();
        let used = TIME_WIDTH + 2 + speaker.chars().count() + cause_width + 2;
        let facts = cut(&self.facts, width.saturating_sub(used));
        let first = format!("{}{style}{name}{style:#}", self.head());
        format!("{first}\n{:TIME_WIDTH$}  {NAME}{speaker}{NAME:#}{cause}  {facts}", "")
    }

    /// On one line, in columns.
    fn wide(&self, width: usize) -> String {
        let wide = |text: &str, width: usize| text.chars().count().max(width) + 2;
        let (cause, cause_width) = self.cause();
        let used = TIME_WIDTH + 2 + wide(&self.place, PLACE_WIDTH) + KEY_WIDTH + 2;
        let used = used + wide(&self.name, EVENT_WIDTH) + wide(&self.speaker, SPEAKER_WIDTH);
        let facts = cut(&self.facts, width.saturating_sub(used + cause_width));
        let name = left(&self.name, EVENT_WIDTH, self.style);
        let speaker = left(&self.speaker, SPEAKER_WIDTH, NAME);
        format!("{}{name}  {speaker}{cause}  {facts}", self.head())
    }

    /// When, where, and the end of the key.
    fn head(&self) -> String {
        let time = self.time.get(11..).unwrap_or(&self.time);
        format!(
            "{}  {}  {}  ",
            left(time, TIME_WIDTH, FAINT),
            left(&self.place, PLACE_WIDTH, FAINT),
            left(&end(&self.key), KEY_WIDTH, FAINT),
        )
    }

    /// With a space before it, and how wide that is.
    fn cause(&self) -> (String, usize) {
        match self.cause.chars().count() {
            0 => (String::new(), 0),
            width => (format!(" {FAINT}{}{FAINT:#}", self.cause), width + 1),
        }
    }
}

/// The end of a key: the beginning of all new ids is the same.
fn end(key: &str) -> String {
    let count = key.chars().count();
    if count <= KEY_WIDTH {
        return key.to_owned();
    }
    let end: String = key.chars().skip(count - (KEY_WIDTH - 1)).collect();
    format!("…{end}")
}
