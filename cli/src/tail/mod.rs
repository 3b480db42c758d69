//! `choreo tail`: follows topics as an onlooker, and shows what is said as a line each.

mod options;

mod causes;

mod facts;

mod line;

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use choreography::clock;
use shared_events::headers::Received;
use shared_events::topics::event_topics;
use tokio::time::Instant;

use crate::cli::Failure;
use crate::follow::{Following, Read, Record};
use crate::output::Output;
use crate::records::from::From;
use crate::records::merge::Merge;
use crate::records::{decode, json, starts};
use crate::{kafka, terminal};
use causes::Causes;
use line::Lines;
pub(crate) use options::Options;

/// How long an event waits for earlier ones of partitions that say nothing at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the broker may be away when it is waited for the end.
const AWAY_MAX: Duration = Duration::from_secs(5);

/// Shows what is said until it is interrupted, or what was asked for is shown.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let config = options.cluster.config()?;
    let look = kafka::look(&config, None).await?;
    let partitions = partitions(&options, &look)?;
    let (asking, from) = (config.clone(), options.from());
    let asked = partitions.clone();
    let starts = tokio::task::spawn_blocking(move || starts::starts(&asking, from, &asked)).await;
    let at = || format!("Kafka at {}", config.brokers);
    let starts = starts.context("where to begin")?.with_context(at)?;
    let mut following = Following::start(&config, &starts)?;
    let mut tail = Tail::new(&options, &partitions);
    let ended = tail.run(&mut following).await.with_context(at);
    // It ends its thread in the background; the client has nothing to hand in.
    drop(following);
    Ok(ended?)
}

fn partitions(options: &Options, look: &kafka::Look) -> anyhow::Result<Vec<(String, i32)>> {
    let topics = if options.topics.is_empty() {
        event_topics().into_iter().map(|topic| topic.name).collect()
    } else {
        options.topics.clone()
    };
    let mut partitions = look.partitions(&topics)?;
    partitions.retain(|(_, partition)| options.partition.is_none_or(|wanted| wanted == *partition));
    ensure!(
        !partitions.is_empty(),
        "there is no partition {}",
        options.partition.unwrap_or_default()
    );
    Ok(partitions)
}

impl Options {
    fn from(&self) -> From {
        match (self.from, &self.order, self.exit) {
            (Some(from), _, _) => from,
            (None, Some(order), _) => From::order(order).unwrap_or(From::Beginning),
            (None, None, true) => From::Beginning,
            (None, None, false) => From::End,
        }
    }

    /// Whether a record is one that is asked for.
    fn wants(&self, record: &Record, received: &Received<'_>, name: Option<&str>) -> bool {
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        let is_of = |order: &String| {
            [received.correlation, key].into_iter().flatten().any(|id| id.ends_with(order.as_str()))
        };
        let is_named = |name: &str| self.events.iter().any(|wanted| wanted == name);
        self.order.as_ref().is_none_or(is_of)
            && (self.events.is_empty() || name.is_some_and(is_named))
    }
}

/// What was shown, and what waits.
struct Tail<'a> {
    options: &'a Options,
    merge: Merge,
    causes: Causes,
    lines: Lines,
    shown: u64,
    /// Since when no broker is heard of.
    away: Option<Instant>,
}

/// Whether it goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Ended,
}

impl<'a> Tail<'a> {
    fn new(options: &'a Options, partitions: &[(String, i32)]) -> Self {
        let today = humantime::format_rfc3339_seconds(clock::system_time()).to_string();
        let today = today.get(..10).unwrap_or_default().to_owned();
        let lines = Lines::new(terminal::width(), today);
        let merge = Merge::new(partitions);
        Self { options, merge, causes: Causes::default(), lines, shown: 0, away: None }
    }

    async fn run(&mut self, following: &mut Following) -> anyhow::Result<()> {
        loop {
            while let Some(record) = self.merge.next() {
                if self.show(&record)? == Next::Ended {
                    return Ok(());
                }
            }
            if self.options.exit && self.merge.has_ended() {
                return Ok(());
            }
            let must_wake = self.merge.is_waiting() || (self.options.exit && self.away.is_some());
            let limit = if must_wake { PATIENCE } else { Duration::MAX };
            match tokio::time::timeout(limit, following.reads.recv()).await {
                Ok(read) => self.take(read.context("the follower has ended")?)?,
                Err(_) => self.merge.hurry(),
            }
            let too_long = self.away.is_some_and(|since| AWAY_MAX < since.elapsed());
            if self.options.exit && too_long {
                return Err(anyhow!("no broker answers any more"));
            }
        }
    }

    fn take(&mut self, read: Read) -> anyhow::Result<()> {
        match read {
            Read::Record(record) => {
                self.away = None;
                self.merge.add(record);
            }
            Read::End { topic, partition } => {
                self.away = None;
                self.merge.end(topic, partition);
            }
            Read::Away => {
                if self.away.is_none() {
                    terminal::note("no broker answers; it is tried again");
                    self.away = Some(Instant::now());
                }
            }
            Read::Failed(error) => return Err(error),
        }
        Ok(())
    }

    fn show(&mut self, record: &Record) -> anyhow::Result<Next> {
        let received = Received::read(&record.headers);
        self.causes.add(&received);
        let payload = decode::decode(record.value.as_deref());
        if !self.options.wants(record, &received, received.name.or(payload.name())) {
            return Ok(Next::GoOn);
        }
        let text = match self.options.output {
            Output::Text => self.lines.line(record, &payload, &self.causes),
            Output::Json => json::line(record, &payload),
        };
        let is_read = terminal::print_while_read(&text).context("standard output")?;
        self.shown += 1;
        let is_enough = self.options.count.is_some_and(|count| count <= self.shown);
        Ok(if is_enough || !is_read { Next::Ended } else { Next::GoOn })
    }
}
