//! `choreo demo`: all services on a broker inside this process, and what became of each order.

mod options;

mod folder;

mod services;

mod place;

mod follow;

mod ledger;

mod story;

mod totals;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::embedded::EmbeddedBroker;
use choreography::publish::Publisher;
use choreography::telemetry;
use choreography::topics::needed_by;
use shared_events::topics::{REPLAYS_END, SERVICES, TopicSpec};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cli::{Failure, interrupted};
use crate::follow::Following;
use crate::orders::mix;
use crate::terminal;
use folder::Folder;
use ledger::{End, Ledger};
use options::ORDER_BYTES_MAX;
pub(crate) use options::Options;
pub(crate) use services::manifests;
use services::{Services, Settings};

/// Runs the demo. An order that did not end makes it fail.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    options.check().map_err(Failure::Usage)?;
    let folder = Folder::make(options.keep.as_deref()).map_err(Failure::Usage)?;
    terminal::note(
        "the broker is a demo broker in memory; what the project promises about crashes does not hold on it",
    );
    let played = play(&options, folder.path()).await;
    if let Folder::Kept(path) = &folder {
        terminal::note(&format!("the services' databases are in {}", path.display()));
    }
    played
}

async fn play(options: &Options, folder: &Path) -> Result<(), Failure> {
    let topics = needed_by(&manifests());
    let broker = EmbeddedBroker::start(&topics)?;
    let config = crate::kafka::config(broker.brokers())?;
    let mut following = follow::start(&config, &followed(&topics))?;
    let telemetry = telemetry::init("choreo", env!("CARGO_PKG_VERSION"))?;
    // Before the services: a producer takes half a second to get its first id from the broker.
    let publisher = Publisher::new(&config, "/choreo", telemetry.spans(), telemetry.metrics())?;
    let (deadline, deliver_after) = (options.deadline, options.deliver_after);
    let settings = Settings { brokers: broker.brokers(), folder, deadline, deliver_after };
    let mut services = Services::start(settings).await?;
    let mut ledger = Ledger::new(manifests());
    let ended = tokio::select! {
        ended = orders(options, publisher, &mut following, &mut services, &mut ledger) => {
            ended.map_err(Failure::Failed)
        }
        interrupted = interrupted() => Err(interrupted),
    };
    terminal::end_progress();
    services.stop().await;
    let closed = tokio::task::spawn_blocking(|| {
        following.end();
        // It waits for the collector, for five seconds at most.
        telemetry.shutdown();
    });
    closed.await.context("the demo's own clients")?;
    ended?;
    report(&ledger)
}

/// What is followed: all that may have something to do with an order.
fn followed(topics: &[TopicSpec]) -> Vec<TopicSpec> {
    let is_followed = |name: &str| name != SERVICES && !name.ends_with(REPLAYS_END);
    topics.iter().filter(|topic| is_followed(&topic.name)).cloned().collect()
}

/// Places the orders and reads what is said until all orders have ended, or the time is up.
async fn orders(
    options: &Options,
    publisher: Publisher,
    following: &mut Following,
    services: &mut Services,
    ledger: &mut Ledger,
) -> anyhow::Result<()> {
    terminal::progress(
        "starting four services; on the demo broker a group takes three seconds to form",
    );
    services.ready().await?;
    let wishes = mix::wishes(options.orders, options.seed)?;
    let mut placing = JoinSet::new();
    placing.spawn(place::place(publisher, wishes, options.rate));
    let began = Instant::now();
    let mut give_up = None;
    let each = if terminal::is_drawn_again() { 100 } else { 1_000 };
    let mut tick = tokio::time::interval(Duration::from_millis(each));
    while !placing.is_empty() || !ledger.all_ended(options.orders as usize) {
        if give_up.is_some_and(|time| time <= Instant::now()) {
            break;
        }
        tokio::select! {
            read = following.reads.recv() => follow::take(ledger, read)?,
            Some(placed) = placing.join_next() => {
                placed.context("placing the orders")??;
                give_up = Some(Instant::now() + options.wait);
            }
            _ = tick.tick() => terminal::progress(&progress(options, ledger, began)),
            why = services.ended() => return Err(why),
        }
    }
    Ok(())
}

fn progress(options: &Options, ledger: &Ledger, began: Instant) -> String {
    format!(
        "{:>4} s  placed {}/{}  delivered {}  cancelled {}  open {}",
        began.elapsed().as_secs(),
        ledger.placed(),
        options.orders,
        ledger.ended(End::Completed),
        ledger.ended(End::Cancelled),
        ledger.open().count()
    )
}

fn report(ledger: &Ledger) -> Result<(), Failure> {
    let bytes =
        ledger.orders.values().map(ledger::Order::bytes_on_a_topic).max().unwrap_or_default();
    tracing::info!(bytes, "the most about one order on one topic");
    if ORDER_BYTES_MAX < bytes {
        tracing::warn!(
            bytes,
            "the limit of --orders rests on {ORDER_BYTES_MAX} bytes about each order"
        );
    }
    let not_ended = totals::not_ended(ledger);
    let text = format!("{}{}{not_ended}", story::stories(ledger), totals::totals(ledger));
    terminal::print(&text).context("standard output")?;
    match ledger.open().count() {
        0 => Ok(()),
        count => Err(anyhow!("{count} of {} orders did not end", ledger.orders.len()).into()),
    }
}
