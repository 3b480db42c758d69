//! All that can be set, in one place: flag, environment variable, default.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;

use crate::telemetry::LogFormat;

/// The configuration of the runtime, the same for each service.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Kafka brokers, separated by commas.
    #[arg(
        short = 'b',
        long,
        visible_alias = "bootstrap-server",
        value_name = "HOST:PORT,…",
        env = "KAFKA_BOOTSTRAP_SERVERS",
        default_value = "127.0.0.1:9092"
    )]
    pub brokers: String,

    /// The service's own database: postgres://… or sqlite://FILE [default: sqlite://SERVICE.db].
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Where /healthz, /readyz, /metrics and the service's own pages listen.
    #[arg(long, env = "HTTP_ADDRESS", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,

    /// A property of librdkafka, for all clients, such as compression.type=gzip; repeatable, and one a
    /// line in the variable. Those that the promise rests on are fixed.
    // A line break is the one character that no value has: a password may have any other.
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        env = "KAFKA_PROPERTIES",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub properties: Vec<PropertyLine>,

    /// At most this many records in one batch.
    #[arg(long, env = "BATCH_RECORDS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub batch_records: u32,

    /// At most this many bytes in one batch (one record more than that may still come in).
    #[arg(long, env = "BATCH_BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1..=64 << 20))]
    pub batch_bytes: u32,

    /// Collect a batch for at most this long, once its first record is there.
    #[arg(long, env = "BATCH_WAIT", default_value = "20ms", value_parser = humantime::parse_duration)]
    pub batch_wait: Duration,

    /// While records keep coming, begin a batch at most this often: fewer and larger ones cost less.
    /// The first record after a pause never waits.
    #[arg(long, env = "BATCH_EACH", default_value = "20ms", value_parser = humantime::parse_duration)]
    pub batch_each: Duration,

    /// An answer larger than this, with key and headers, makes the event answered a dead letter.
    #[arg(long, env = "ANSWER_BYTES", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=1_048_000))]
    pub answer_bytes: u32,

    /// Records fetched ahead and not yet handled, in KiB.
    #[arg(long, env = "FETCH_AHEAD_KIB", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1_024..=1 << 20))]
    pub fetch_ahead_kib: u32,

    /// On SIGTERM or SIGINT finish within this time; what is still owed then is said after the next start.
    #[arg(long, env = "DRAIN_TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub drain_time: Duration,

    /// /healthz fails when the loop has not moved for this long.
    #[arg(long, env = "STALLED_AFTER", default_value = "60s", value_parser = humantime::parse_duration)]
    pub stalled_after: Duration,

    /// /healthz fails when a fault, such as a database that is away, has lasted for this long.
    #[arg(long, env = "UNHEALTHY_AFTER", default_value = "3m", value_parser = humantime::parse_duration)]
    pub unhealthy_after: Duration,

    /// Ids of handled events are kept for this long, or `forever`. At least the retention of what is
    /// heard plus the longest retention among the topics.
    #[arg(long, env = "HANDLED_WINDOW", default_value = "15d")]
    pub handled_window: Window,

    /// Set nothing more aside once more than this many of the latest 100 events became dead letters, so
    /// that a bad deployment does not empty a topic into its DLQ. 0: not one; 100: no limit.
    #[arg(long, env = "DEAD_LETTERS_MAX", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub dead_letters_max: u32,

    /// Start a partition behind a gap of lost records at this offset; repeatable.
    #[arg(long, value_name = "TOPIC/PARTITION@OFFSET", env = "ACCEPT_GAP", value_delimiter = ',')]
    pub accept_gap: Vec<AcceptedGap>,

    /// The broker is the embedded one, which cannot be asked about topics.
    #[arg(skip)]
    pub embedded: bool,

    /// How log lines look.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Auto)]
    pub log_format: LogFormat,
}

impl Config {
    /// The properties of librdkafka that are set.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter_map(|line| line.0.as_ref())
    }
}

/// A line of properties. It may be empty, such as the one after the last line break of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyLine(Option<Property>);

impl FromStr for PropertyLine {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text.trim().is_empty() { Ok(Self(None)) } else { Ok(Self(Some(text.parse()?))) }
    }
}

/// One property of librdkafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name, as in librdkafka's CONFIGURATION.md.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The properties that cannot be set, as the promise rests on the values that the runtime gives.
const FIXED: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.offset.reset",
    "bootstrap.servers",
    "check.crcs",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.protocol",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "max.poll.interval.ms",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "queued.max.messages.kbytes",
    "request.required.acks",
    "retries",
    "session.timeout.ms",
    "statistics.interval.ms",
    "test.mock.num.brokers",
    "transactional.id",
];

impl FromStr for Property {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (key, value) = text.split_once('=').context("a property is written KEY=VALUE")?;
        let key = key.trim();
        anyhow::ensure!(
            !FIXED.contains(&key),
            "{key} cannot be set: what the services promise rests on its value, or it has a flag of its own"
        );
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// For how long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// For this time.
    For(Duration),
    /// It is never deleted.
    Forever,
}

impl FromStr for Window {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "forever" => Ok(Self::Forever),
            other => humantime::parse_duration(other)
                .map(Self::For)
                .context("a window is a duration such as 15d, or forever"),
        }
    }
}

/// An operator's word that the records of a partition before an offset may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedGap {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Where to go on.
    pub offset: i64,
}

impl FromStr for AcceptedGap {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (place, offset) = text.split_once('@')?;
            let (topic, partition) = place.rsplit_once('/')?;
            let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
            (0 <= partition && 0 <= offset).then(|| (topic.to_owned(), partition, offset))
        };
        let (topic, partition, offset) = parts()
            .context("a gap is accepted as TOPIC/PARTITION@OFFSET, for example orders/3@1200")?;
        Ok(Self { topic, partition, offset })
    }
}
