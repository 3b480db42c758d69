//! A dead letter as a line for people, and as JSON.

use anstyle::Style;
use choreography::dead_letter::Death;
use serde_json::{Map, Value, json};

use super::book::{Book, State, replays_of};
use super::letter::{Letter, origin, since};
use crate::follow::time;
use crate::output::Output;
use crate::records::json::{text_or_hex, written};
use crate::terminal::{self, BAD, FAINT, GOOD, cut, plain};

/// So many characters of an error are told however narrow the terminal is.
const ERROR_WIDTH_MIN: usize = 20;

/// The line of a letter, with its end. On a terminal the error is cut to its width.
pub(super) fn line(letter: &Letter, book: &Book) -> String {
    let state = book.state(letter);
    let (what, error) = match &letter.dead {
        Ok(dead) => (what(letter, dead), plain(&dead.error)),
        Err(why) => ("-".to_owned(), plain(why)),
    };
    let head = format!("{}  {}  {}", time(letter.record.time), plain(&letter.place()), what);
    let used = head.chars().count() + 2 + state.text().len() + 2;
    let width = terminal::width().map(|width| width.saturating_sub(used).max(ERROR_WIDTH_MIN));
    let error = width.map_or_else(|| error.clone(), |width| cut(&error, width));
    let style = style(state);
    format!("{head}  {style}{}{style:#}  {FAINT}{error}{FAINT:#}\n", state.text())
}

fn what(letter: &Letter, dead: &Death) -> String {
    let name = letter.name().unwrap_or_else(|| "-".to_owned());
    let order = letter.order().unwrap_or_else(|| "-".to_owned());
    let attempt = format!("attempt {}", dead.attempt);
    let id = dead.id.to_string();
    let parts = [&dead.group, &origin(dead), &name, &order, &id, &dead.class, &attempt];
    parts.map(|part| plain(part)).join("  ")
}

/// The style of a state.
pub(super) fn style(state: State) -> Style {
    match state {
        State::Waiting | State::NoLetter => BAD,
        State::Replayed => GOOD,
        State::DiedAgain | State::Repeat => FAINT,
    }
}

/// The same as JSON: where the letter stands, what it is, and what became of it.
pub(super) fn json(letter: &Letter, book: &Book) -> Map<String, Value> {
    let record = &letter.record;
    let replays: Vec<Value> = book
        .replays(letter)
        .iter()
        .map(|stand| {
            let topic = replays_of(&record.topic);
            json!({ "topic": topic, "partition": stand.partition, "offset": stand.offset })
        })
        .collect();
    let fields = [
        ("topic", json!(record.topic)),
        ("partition", json!(record.partition)),
        ("offset", json!(record.offset)),
        ("ts", json!(record.time.to_millis())),
        ("key", text_or_hex(record.key.as_deref())),
        ("event", json!(letter.name())),
        ("order", json!(letter.order())),
        ("dead_letter", letter.dead.as_ref().map_or(Value::Null, dead)),
        ("not_readable", json!(letter.dead.as_ref().err())),
        ("state", json!(book.state(letter).text().replace(' ', "_"))),
        ("replays", replays.into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn dead(dead: &Death) -> Value {
    json!({
        "id": dead.id.to_string(), "group": dead.group, "topic": dead.topic,
        "partition": dead.partition, "offset": dead.offset, "ts": since(dead).to_millis(),
        "error_class": dead.class, "error": dead.error, "attempt": dead.attempt,
    })
}

impl Output {
    /// The line of a letter in this form.
    pub(super) fn letter(self, letter: &Letter, book: &Book) -> String {
        match self {
            Self::Text => line(letter, book),
            Self::Json => written(json(letter, book)),
        }
    }

    /// What all lines come to. Beside JSON it is no data.
    pub(super) fn summary(self, text: &str) -> std::io::Result<()> {
        match self {
            Self::Text => terminal::print(&format!("{text}\n")),
            Self::Json => {
                terminal::note(text);
                Ok(())
            }
        }
    }
}
