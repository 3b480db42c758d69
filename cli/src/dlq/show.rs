//! `choreo dlq show`.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::dead_letter::Death;
use choreography::{Config, looker};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;
use serde_json::{Value, json};
use shared_events::headers::Received;

use super::book::{Book, Reading, Stand, State, replays_of};
use super::letter::{Letter, origin, since};
use super::options::Show;
use super::tell;
use crate::cli::Failure;
use crate::follow::{Record, time};
use crate::output::Output;
use crate::records::decode::{Payload, decode};
use crate::records::from::From;
use crate::records::json;
use crate::terminal::{self, FAINT, NAME, STRONG, dump, plain, readable};

/// So many bytes of a value that cannot be read are shown.
const BYTES_MAX: usize = 1024;

/// How long the broker may take to say what a group has taken.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Tells all that is known of each dead letter that is meant.
pub(super) async fn run(options: Show) -> Result<(), Failure> {
    let Show { which, common } = options;
    let config = common.cluster.config()?;
    let reading =
        Reading { from: From::Beginning, topic: &|_| true, letter: &|letter| which.is(letter) };
    let book = Book::read(&config, reading).await?;
    if book.letters.is_empty() {
        let omitted = if book.is_cut { book.omitted() } else { String::new() };
        let which = plain(&which.to_string());
        return Err(anyhow!("there is no dead letter {which}{omitted}").into());
    }
    for letter in &book.letters {
        let taken = taken(&config, letter, &book.replays(letter)).await?;
        let text = match common.output {
            Output::Text => text(letter, &book, &taken),
            Output::Json => line(letter, &book, &taken),
        };
        terminal::print(&text).context("standard output")?;
    }
    Ok(())
}

/// The group's committed offset of each partition of its replay topic where replays stand; a
/// partition is missing if the group has committed none, or nobody says.
async fn taken(
    config: &Config,
    letter: &Letter,
    replays: &[Stand],
) -> anyhow::Result<HashMap<i32, i64>> {
    let Ok(dead) = &letter.dead else { return Ok(HashMap::new()) };
    if replays.is_empty() {
        return Ok(HashMap::new());
    }
    let mut asked = TopicPartitionList::new();
    let topic = replays_of(&letter.record.topic);
    replays.iter().for_each(|stand| {
        asked.add_partition(&topic, stand.partition);
    });
    let mut client = looker(config);
    client.set("group.id", &dead.group);
    let asking = tokio::task::spawn_blocking(move || {
        let client: BaseConsumer = client.create().context("the settings of the client")?;
        anyhow::Ok(client.committed_offsets(asked, ANSWER_MAX).ok())
    });
    let answer = asking.await.context("what the group has taken")??;
    let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let Offset::Offset(offset) = element.offset() else { return None };
        Some((element.partition(), offset))
    };
    Ok(answer
        .iter()
        .flat_map(|list| list.elements().iter().filter_map(offset).collect::<Vec<_>>())
        .collect())
}

fn is_taken(stand: &Stand, taken: &HashMap<i32, i64>) -> bool {
    taken.get(&stand.partition).is_some_and(|committed| stand.offset < *committed)
}

fn line(letter: &Letter, book: &Book, taken: &HashMap<i32, i64>) -> String {
    let record = &letter.record;
    let mut fields = tell::json(letter, book);
    fields.extend(json::fields(record, &decode(record.value.as_deref())));
    fields.insert("trace_id".to_owned(), json!(trace(record)));
    let replays: Vec<Value> = book
        .replays(letter)
        .iter()
        .map(|stand| {
            let topic = replays_of(&record.topic);
            let Stand { partition, offset, .. } = stand;
            let is_taken = is_taken(stand, taken);
            json!({ "topic": topic, "partition": partition, "offset": offset, "taken": is_taken })
        })
        .collect();
    fields.insert("replays".to_owned(), replays.into());
    json::written(fields)
}

fn trace(record: &Record) -> Option<String> {
    let parent = Received::read(&record.headers).trace_context()?;
    Some(format!("{:032x}", u128::from_be_bytes(parent.trace_id)))
}

fn text(letter: &Letter, book: &Book, taken: &HashMap<i32, i64>) -> String {
    let (record, state) = (&letter.record, book.state(letter));
    let style = tell::style(state);
    let name = plain(&letter.name().unwrap_or_else(|| "-".to_owned()));
    let place = plain(&letter.place());
    let mut text = format!("{STRONG}{name}{STRONG:#}  {place}  {style}{}{style:#}\n", state.text());
    let mut row = |name: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {FAINT}{name:<9}{FAINT:#}  {}", plain(value));
    };
    match &letter.dead {
        Ok(dead) => rows(dead, &time(record.time), &mut row),
        Err(why) => row("unknown", &format!("which event died: {why}")),
    }
    row("key", &record.key.as_deref().map_or_else(|| "none".to_owned(), readable));
    row("order", letter.order().as_deref().unwrap_or("-"));
    row("trace", trace(record).as_deref().unwrap_or("none"));
    let replays = book.replays(letter);
    if replays.is_empty() && state != State::NoLetter {
        row("replays", "none");
    }
    for stand in &replays {
        let topic = replays_of(&record.topic);
        let is_taken = if is_taken(stand, taken) { "taken by the group" } else { "not taken yet" };
        row("replay", &format!("{topic}/{}/{}  {is_taken}", stand.partition, stand.offset));
    }
    for (name, value) in &record.headers {
        let value = value.as_deref().map_or_else(|| "none".to_owned(), readable);
        row("header", &format!("{name}: {value}"));
    }
    text + &value(record)
}

fn rows(dead: &Death, died: &str, row: &mut impl FnMut(&str, &str)) {
    row("died", &format!("{died}  in {}, attempt {}", dead.group, dead.attempt));
    row("why", &format!("{}: {}", dead.class, dead.error));
    row("id", &dead.id.to_string());
    row("stood", &format!("{}  since {}", origin(dead), time(since(dead))));
}

/// The value as far as it can be read.
fn value(record: &Record) -> String {
    let pretty = |json: &Value| {
        let text = serde_json::to_string_pretty(json).unwrap_or_default();
        text.lines().map(|line| format!("{}\n", plain(line))).collect::<String>()
    };
    match decode(record.value.as_deref()) {
        Payload::Tombstone => format!("{FAINT}no value{FAINT:#}\n"),
        Payload::Text(text) => format!("{}\n", plain(&format!("{text:?}"))),
        Payload::Event { json, .. } | Payload::Json(json) => pretty(&json),
        Payload::Unread { why, bytes, .. } => {
            let more = match bytes.len().checked_sub(BYTES_MAX) {
                None | Some(0) => String::new(),
                Some(more) => format!("{FAINT}and {more} bytes more{FAINT:#}\n"),
            };
            let shown = &bytes[..bytes.len().min(BYTES_MAX)];
            format!("{NAME}cannot be read: {}{NAME:#}\n{}{more}", plain(&why), dump(shown))
        }
    }
}
