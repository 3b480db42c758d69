//! `choreo emit`: says events straight to Kafka. Each starts a trace, or continues one.

mod options;

mod output;

use anyhow::{Context, anyhow};
use choreography::clock;
use choreography::publish::{Publication, Published, Publisher};
use choreography::telemetry::{self, Telemetry};
use futures::stream::{self, Stream, StreamExt};
use serde_json::Value;
use shared_events::ids::EventId;

use crate::cli::Failure;
use crate::given::events::{Encoded, KnownEvent, find};
use crate::given::header;
use crate::given::input::{self, Input};
use crate::given::make::Maker;
use crate::kafka;
use crate::pace::Pace;
use crate::terminal;
pub(crate) use options::Options;

/// So many events wait for Kafka's acknowledgement at once.
const IN_FLIGHT_MAX: usize = 256;

/// What was said, and where it stands.
struct Receipt {
    event: &'static str,
    id: String,
    topic: String,
    key: String,
    published: Published,
}

/// Says the events, and tells of each where it stands.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let known = find(&options.event).with_context(|| format!("{} is not known", options.event))?;
    let input = Input::choose(known.name, &options.given, options.count).map_err(Failure::Usage)?;
    let maker = Maker::new(known, &options.given, &input)?;
    if let Some(note) = maker.note(&input) {
        terminal::note(&note);
    }
    let values = input.read().map_err(Failure::Usage)?;
    if options.dry_run {
        return dry_run(&maker, &options, values).await;
    }
    let telemetry = telemetry::init("choreo", env!("CARGO_PKG_VERSION"))?;
    let ended = say(&maker, &options, values, &telemetry).await;
    // It waits for the collector, for five seconds at most.
    let _ = tokio::task::spawn_blocking(|| telemetry.shutdown()).await;
    ended
}

async fn dry_run(
    maker: &Maker,
    options: &Options,
    mut values: input::Values,
) -> Result<(), Failure> {
    let mut shown: u64 = 0;
    while let Some(value) = values.recv().await {
        let (_, encoded) = value.and_then(|value| maker.make(value)).map_err(Failure::Usage)?;
        let topic = options.topic.as_deref().unwrap_or(maker.known.topic);
        let key = options.key.as_deref().unwrap_or(&encoded.key);
        let text = options.output.dry_run(maker.known, topic, key, &encoded)?;
        terminal::print(&text).context("standard output")?;
        shown += 1;
    }
    note_if_none(shown);
    Ok(())
}

/// An input without values is no failure: a filter may have let none pass. But it is not what most
/// people expect.
fn note_if_none(events: u64) {
    if events == 0 {
        terminal::note("the input has no JSON value, so nothing was said");
    }
}

async fn say(
    maker: &Maker,
    options: &Options,
    values: input::Values,
    telemetry: &Telemetry,
) -> Result<(), Failure> {
    let config = options.cluster.config()?;
    let topic = options.topic.as_deref().unwrap_or(maker.known.topic);
    kafka::look(&config, Some(topic.to_owned())).await?;
    let publisher = Publisher::new(&config, "/choreo", telemetry.spans(), telemetry.metrics())?;
    let mut said: u64 = 0;
    let events = events(maker, options, values);
    let mut receipts = std::pin::pin!(
        events.map(|event| publish(&publisher, maker, event)).buffered(IN_FLIGHT_MAX)
    );
    while let Some(receipt) = receipts.next().await {
        let receipt = receipt.map_err(|failure| failure.after(said, &config.brokers))?;
        terminal::print(&options.output.receipt(&receipt)).context("standard output")?;
        said += 1;
    }
    note_if_none(said);
    Ok(())
}

/// The events, at the rate that is asked for; the last one may be an error.
fn events(
    maker: &Maker,
    options: &Options,
    values: input::Values,
) -> impl Stream<Item = Result<Publication, Failure>> {
    let state = (values, Pace::new(options.rate), 0);
    stream::unfold(state, move |(mut values, pace, number)| async move {
        let value = values.recv().await?;
        pace.wait_for(number).await;
        let made = value.and_then(|value| maker.make(value)).map_err(Failure::Usage);
        let publication =
            made.map(|(json, encoded)| publication(maker.known, options, &json, encoded));
        Some((publication, (values, pace, number + 1)))
    })
}

fn publication(
    known: &KnownEvent,
    options: &Options,
    json: &Value,
    encoded: Encoded,
) -> Publication {
    let (parent, headers) = header::split(&options.headers);
    Publication {
        topic: options.topic.clone().unwrap_or_else(|| known.topic.to_owned()),
        partition: options.partition,
        key: options.key.clone().unwrap_or(encoded.key),
        name: known.name.to_owned(),
        id: clock::new_event_id(),
        time: clock::now(),
        correlation: json["order_id"].as_str().map(str::to_owned),
        value: encoded.value,
        parent,
        headers,
    }
}

async fn publish(
    publisher: &Publisher,
    maker: &Maker,
    event: Result<Publication, Failure>,
) -> Result<Receipt, Failure> {
    let event = event?;
    let published = publisher.publish(&event).await?;
    let Publication { topic, key, id, headers, .. } = event;
    Ok(Receipt { event: maker.known.name, id: id_of(id, &headers), topic, key, published })
}

/// The user's own `ce_id` goes before ours.
fn id_of(id: EventId, headers: &shared_events::headers::RawHeaders) -> String {
    let given = headers.iter().rfind(|(name, _)| name == shared_events::headers::CE_ID);
    let given = given.and_then(|(_, value)| String::from_utf8(value.clone()?).ok());
    given.unwrap_or_else(|| id.to_string())
}

impl Failure {
    /// The same, with what was said before it, and whether the broker is the reason.
    fn after(self, said: u64, brokers: &str) -> Self {
        let before = |error: anyhow::Error| match said {
            0 => error,
            1 => anyhow!("after 1 event that was said: {error:#}"),
            _ => anyhow!("after {said} events that were said: {error:#}"),
        };
        match self {
            Self::Usage(error) => Self::Usage(before(error)),
            Self::Failed(error) => {
                Self::Failed(before(error).context(format!("Kafka at {brokers}")))
            }
            other @ (Self::Found(_) | Self::Interrupted) => other,
        }
    }
}
