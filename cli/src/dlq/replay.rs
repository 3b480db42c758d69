//! `choreo dlq replay`: gives dead letters again to the group that could not handle them.
//!
//! A replay is the dead letter as it is: key, value and headers, on the same partition. Its headers
//! `dlq-…` say which event it is, where that stood, and how often it has died, which is all that the
//! group needs (`choreography::dead_letter`). Its trace context stays that of the dead letter, so
//! that whatever follows continues the trace of the event; a span of this command would add nothing
//! that anybody could look up later, as it sends no telemetry.

use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::config::Window;
use choreography::{Config, clock, looker};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use shared_events::topics::DEAD_LETTER_RETENTION_MS;

use super::book::{Book, Reading, State, replays_of};
use super::letter::Letter;
use super::options::Replay;
use super::tell;
use crate::cli::Failure;
use crate::output::Output;
use crate::pace::Pace;
use crate::records::from::From;
use crate::records::json::written;
use crate::terminal::{self, BAD, FAINT, GOOD, STRONG, plain};

/// What is to become of a dead letter, or did.
enum Fate {
    /// It is to be replayed.
    Due,
    /// Its replay stands there.
    Replayed { partition: i32, offset: i64 },
    /// Nothing has to be done.
    Skipped(&'static str),
    /// Its group would not take it.
    Refused(String),
    /// It is beyond the limit.
    Left,
}

/// How many had which fate.
#[derive(Default)]
struct Counts {
    replayed: u64,
    skipped: u64,
    refused: u64,
    left: u64,
}

/// Replays what is wanted, or tells what would be replayed.
pub(super) async fn run(options: Replay) -> Result<(), Failure> {
    let config = options.common.cluster.config()?;
    let wants = |letter: &Letter| {
        let is_named = options.which.is_empty() || options.which.iter().any(|w| w.is(letter));
        is_named && options.filter.wants(letter)
    };
    let reading = Reading {
        from: options.filter.from.unwrap_or(From::Beginning),
        topic: &|topic| options.filter.may_stand_on(topic),
        letter: &wants,
    };
    let book = Book::read(&config, reading).await?;
    if book.is_cut {
        let why = "so it is not known what was replayed already";
        return Err(anyhow!("there are too many dead letters{}, {why}", book.omitted()).into());
    }
    if let Some(which) = options.which.iter().find(|w| !book.letters.iter().any(|l| w.is(l))) {
        return Err(anyhow!("there is no dead letter {}", plain(&which.to_string())).into());
    }
    let counts = replay_all(&options, &config, &book).await?;
    let summary = format!("{}{}", counts.summary(options.yes), book.omitted());
    Ok(options.common.output.summary(&summary).context("standard output")?)
}

async fn replay_all(options: &Replay, config: &Config, book: &Book) -> anyhow::Result<Counts> {
    let producer = producer(config)?;
    let pace = Pace::new(options.rate);
    let mut counts = Counts::default();
    for letter in &book.letters {
        let mut fate = fate(letter, book, options.again, config.handled_window);
        if matches!(fate, Fate::Due) && options.limit <= counts.replayed {
            fate = Fate::Left;
        }
        if matches!(fate, Fate::Due) && options.yes {
            pace.wait_for(counts.replayed).await;
            let sent = send(&producer, letter).await;
            let (partition, offset) = sent.with_context(|| {
                format!("{} after {} that were replayed", letter.place(), counts.replayed)
            })?;
            fate = Fate::Replayed { partition, offset };
        }
        counts.add(&fate);
        let text = options.common.output.fate(letter, book, &fate);
        terminal::print(&text).context("standard output")?;
    }
    Ok(counts)
}

/// What is to become of a letter, as far as that can be known here: the group has the last word.
/// Its default window counts, as nobody but the service knows its own.
fn fate(letter: &Letter, book: &Book, again: bool, window: Window) -> Fate {
    match book.state(letter) {
        State::Replayed if !again => return Fate::Skipped("it was replayed already"),
        State::DiedAgain => return Fate::Skipped("it has died again: its newer letter counts"),
        State::Repeat => return Fate::Skipped("the same letter stands before it"),
        State::Waiting | State::Replayed | State::NoLetter => {}
    }
    if let Err(why) = &letter.dead {
        return Fate::Refused(format!("it does not say which event died: {}", plain(why)));
    }
    let age_ms = letter.record.time.to_millis().map_or(0, |ms| clock::now().0.saturating_sub(ms));
    let kept_ms = match window {
        Window::Forever => i64::MAX,
        Window::For(window) => i64::try_from(window.as_millis())
            .unwrap_or(i64::MAX)
            .saturating_add(DEAD_LETTER_RETENTION_MS),
    };
    if age_ms <= kept_ms {
        return Fate::Due;
    }
    let days = kept_ms / (24 * 60 * 60 * 1000);
    Fate::Refused(format!("it is too old: a group knows what is dead for {days} days"))
}

/// All in-sync replicas have to have it, and no repeat comes of a lost acknowledgement.
fn producer(config: &Config) -> anyhow::Result<FutureProducer> {
    let mut client = looker(config);
    // A dead letter of what came compressed has to fit, too.
    if !config.properties().any(|property| property.key == "compression.type") {
        client.set("compression.type", "lz4");
    }
    client
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "10000")
        .set("message.max.bytes", "1000000000")
        .set("linger.ms", "0");
    client.create().context("the settings of the producer")
}

/// Waits for the acknowledgement. Out: partition and offset.
async fn send(producer: &FutureProducer, letter: &Letter) -> anyhow::Result<(i32, i64)> {
    const QUEUE_MAX: Duration = Duration::from_secs(10);
    let record = &letter.record;
    let topic = replays_of(&record.topic);
    let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
        all.insert(Header { key, value: value.as_deref() })
    });
    let replay = FutureRecord {
        topic: &topic,
        partition: Some(record.partition),
        payload: record.value.as_deref(),
        key: record.key.as_deref(),
        timestamp: None,
        headers: Some(headers),
    };
    let sent = producer.send(replay, QUEUE_MAX).await.map_err(|(error, _)| error);
    let delivery = sent.with_context(|| {
        format!("{topic} does not acknowledge it; it may be there or not, and the next run tells")
    })?;
    Ok((delivery.partition, delivery.offset))
}

impl Counts {
    fn add(&mut self, fate: &Fate) {
        match fate {
            Fate::Due | Fate::Replayed { .. } => self.replayed += 1,
            Fate::Skipped(_) => self.skipped += 1,
            Fate::Refused(_) => self.refused += 1,
            Fate::Left => self.left += 1,
        }
    }

    fn summary(&self, is_done: bool) -> String {
        let Self { replayed, skipped, refused, left } = self;
        let left = match left {
            0 => String::new(),
            left => format!(", {left} left for the next run by --limit"),
        };
        if is_done {
            return format!("{replayed} replayed, {skipped} skipped, {refused} refused{left}");
        }
        let hint = if *replayed == 0 { "" } else { "; nothing was done: --yes does it" };
        format!("{replayed} would be replayed, {skipped} skipped, {refused} refused{left}{hint}")
    }
}

impl Output {
    fn fate(self, letter: &Letter, book: &Book, fate: &Fate) -> String {
        let topic = replays_of(&letter.record.topic);
        let (style, word, why) = match fate {
            Fate::Due => (STRONG, "would be replayed", format!("to {topic}")),
            Fate::Replayed { partition, offset } => {
                (GOOD, "replayed", format!("to {topic}/{partition}/{offset}"))
            }
            Fate::Skipped(why) => (FAINT, "skipped", (*why).to_owned()),
            Fate::Refused(why) => (BAD, "refused", why.clone()),
            Fate::Left => (FAINT, "left", "--limit is reached".to_owned()),
        };
        if self == Output::Json {
            let mut fields = tell::json(letter, book);
            fields.insert("outcome".to_owned(), json!(word.replace(' ', "_")));
            fields.insert("why".to_owned(), Value::from(why));
            return written(fields);
        }
        let name = letter.name().unwrap_or_else(|| "-".to_owned());
        let order = letter.order().unwrap_or_else(|| "-".to_owned());
        let what = [letter.place(), name, order].map(|part| plain(&part)).join("  ");
        format!("{style}{word}{style:#}  {what}  {FAINT}{}{FAINT:#}\n", plain(&why))
    }
}
