//! `choreo load`: places orders at a fixed rate, and measures by hearing what is said of them.

mod options;

mod send;

mod ledger;

mod journal;

mod report;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use choreography::Config;
use choreography::publish::Publisher;
use choreography::telemetry::{self, Telemetry};
use rdkafka::Offset;
use rdkafka::topic_partition_list::TopicPartitionList;
use shared_events::headers::Received;
use shared_events::topics::ORDERS;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cli::{Failure, interrupted};
use crate::follow::{Following, Read};
use crate::http::Api;
use crate::{kafka, terminal};
use journal::Journal;
use ledger::Ledger;
pub(crate) use options::Options;
use report::Speed;
use send::{Sent, Target};

/// How long the broker may take to tell where the topic ends.
const LISTENING_MAX: Duration = Duration::from_secs(10);

/// So many orders that did not end, and reasons why some were not acknowledged, are named.
const NAMED_MAX: usize = 5;

/// Places the orders and tells how long they took. One that did not end makes it fail.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let count = options.orders().map_err(Failure::Usage)?;
    let config = options.cluster.config()?;
    let telemetry = telemetry::init("choreo", env!("CARGO_PKG_VERSION"))?;
    let options = Arc::new(options);
    let ran = tokio::select! {
        begun = begin(&options, &config, &telemetry) => match begun {
            Ok((target, run)) => Run::start(options, count, target, run).end().await,
            Err(error) => Err(error.into()),
        },
        interrupted = interrupted() => Err(interrupted),
    };
    // It waits for the collector, for five seconds at most.
    let _ = tokio::task::spawn_blocking(|| telemetry.shutdown()).await;
    ran
}

/// Looks whether all answer, and listens from now on.
async fn begin(
    options: &Options,
    config: &Config,
    telemetry: &Telemetry,
) -> anyhow::Result<(Target, (Following, Journal))> {
    // First of all: a producer takes half a second to get its first id from the broker, which must
    // not count as the time of the first orders.
    let publisher = Publisher::new(config, "/choreo", telemetry.spans(), telemetry.metrics())?;
    let look = kafka::look(config, None).await?;
    let api = options.url.clone().map(Api::new).transpose()?;
    if let Some(api) = &api {
        api.look().await?;
    }
    let mut starts = TopicPartitionList::new();
    let partitions = look.partitions(&[ORDERS.to_owned()])?;
    for (topic, partition) in &partitions {
        starts.add_partition_offset(topic, *partition, Offset::End)?;
    }
    let mut following = Following::start(config, &starts)?;
    let listening = listen(&mut following, partitions.len());
    let listening = tokio::time::timeout(LISTENING_MAX, listening).await;
    let at = || format!("Kafka at {}", config.brokers);
    listening.context("the topic's end is not told").and_then(|ended| ended).with_context(at)?;
    // Last: a load that does not begin leaves no file.
    let journal = Journal::start(options.journal.as_deref())?;
    Ok((Target { api, publisher }, (following, journal)))
}

/// Waits until the end of each partition was reached: nothing said from now on is missed.
async fn listen(following: &mut Following, partitions: usize) -> anyhow::Result<()> {
    let mut ended = std::collections::BTreeSet::new();
    while ended.len() < partitions {
        match following.reads.recv().await.context("the follower has ended")? {
            Read::End { partition, .. } => _ = ended.insert(partition),
            Read::Record(_) | Read::Away => {}
            Read::Failed(error) => return Err(error),
        }
    }
    Ok(())
}

/// The orders while they are placed and followed.
struct Run {
    options: Arc<Options>,
    count: u64,
    following: Following,
    sent: mpsc::Receiver<Sent>,
    sending: JoinHandle<anyhow::Result<()>>,
    ledger: Ledger,
    journal: Journal,
    began: Instant,
}

impl Run {
    fn start(
        options: Arc<Options>,
        count: u64,
        target: Target,
        (following, journal): (Following, Journal),
    ) -> Self {
        let (sender, sent) = mpsc::channel(options.in_flight as usize);
        let sending = tokio::spawn(send::send(target, Arc::clone(&options), count, sender));
        let (ledger, began) = (Ledger::new(), Instant::now());
        Self { options, count, following, sent, sending, ledger, journal, began }
    }

    async fn end(mut self) -> Result<(), Failure> {
        let ended = tokio::select! {
            ended = self.follow() => ended.map_err(Failure::Failed),
            interrupted = interrupted() => Err(interrupted),
        };
        self.sending.abort();
        terminal::end_progress();
        let speed = Speed::of(&self.ledger, &self.options, self.began);
        if let Some(warning) = speed.warning(&self.ledger) {
            terminal::note(&warning);
        }
        let text = report::report(&self.ledger, &speed, self.options.output);
        terminal::print(&text).context("standard output")?;
        ended?;
        self.verdict()
    }

    /// Takes down what is sent and heard until all orders have ended, or the time is up.
    async fn follow(&mut self) -> anyhow::Result<()> {
        let each = if terminal::is_drawn_again() { 200 } else { 5_000 };
        let mut tick = tokio::time::interval(Duration::from_millis(each));
        let mut is_away = false;
        let mut give_up = None;
        while self.ledger.sent < self.count || 0 < self.ledger.open() {
            if self.ledger.sent == self.count {
                let until = *give_up.get_or_insert_with(|| Instant::now() + self.options.timeout);
                if until <= Instant::now() {
                    break;
                }
            }
            tokio::select! {
                Some(sent) = self.sent.recv() => {
                    self.journal.add(&sent.entry)?;
                    self.ledger.sent(sent);
                }
                read = self.following.reads.recv() => match read.context("the follower has ended")? {
                    Read::Record(record) => {
                        is_away = false;
                        let received = Received::read(&record.headers);
                        let (id, name) = (received.correlation, received.name);
                        self.ledger.heard(id.unwrap_or_default(), name.unwrap_or_default(), Instant::now());
                    }
                    Read::End { .. } => is_away = false,
                    Read::Away => {
                        if !std::mem::replace(&mut is_away, true) {
                            terminal::note("no broker answers; it is tried again");
                        }
                    }
                    Read::Failed(error) => return Err(error),
                },
                _ = tick.tick() => terminal::progress(&self.progress()),
            }
            if self.sending.is_finished() && self.ledger.sent == 0 && self.sent.is_closed() {
                (&mut self.sending).await.context("placing the orders")??;
                bail!("no order was placed");
            }
        }
        Ok(())
    }

    fn progress(&self) -> String {
        let Ledger { sent, late, .. } = self.ledger;
        format!(
            "{:>4} s  placed {sent}/{}  decided {}  open {}  failed {}  late {late}",
            self.began.elapsed().as_secs(),
            self.count,
            self.ledger.to_decided.count(),
            self.ledger.open(),
            self.ledger.failed(),
        )
    }

    fn verdict(&self) -> Result<(), Failure> {
        for (why, count) in self.ledger.failures.iter().take(NAMED_MAX) {
            terminal::note(&format!("{count} not acknowledged: {why}"));
        }
        let (open, failed) = (self.ledger.open(), self.ledger.failed());
        if 0 < open {
            let named = self.ledger.open_ids(NAMED_MAX).join(", ");
            let timeout = self.options.timeout;
            return Err(anyhow!(
                "{open} orders have not ended within {timeout:?}, such as {named}"
            )
            .into());
        }
        if 0 < failed {
            return Err(anyhow!("{failed} of {} orders were not acknowledged", self.count).into());
        }
        Ok(())
    }
}
