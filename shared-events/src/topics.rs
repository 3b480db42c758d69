//! The one table of topics and their settings.

/// The orders. Key: order id. Said by order-svc, or any producer of OrderPlaced and
/// CancellationRequested.
pub const ORDERS: &str = "orders";

/// What inventory-svc says. Key: order id.
pub const INVENTORY: &str = "inventory";

/// What logistics-svc says. Key: order id.
pub const LOGISTICS: &str = "logistics";

/// What seller-svc says. Key: order id.
pub const SELLERS: &str = "sellers";

/// Goods that come in. Key: SKU. Said by a warehouse, or the command line tool.
pub const DELIVERIES: &str = "deliveries";

/// Who hears and says what, since when: manifests, not events. Key: `group/version`. Compacted, so
/// that the newest manifest of each version stays.
pub const SERVICES: &str = "services";

/// The partitions of each topic except [`SERVICES`], which has one: it is small, and always read
/// whole.
pub const PARTITIONS: i32 = 6;

/// The largest batch of records that an event topic takes, in bytes: `max.message.bytes`.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// The same of a dead-letter or replay topic: the original record and its origin headers have to
/// fit.
pub const DEAD_LETTER_BYTES_MAX: usize = 2 * EVENT_BYTES_MAX;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How long event topics keep records, in milliseconds: 7 days.
pub const EVENT_RETENTION_MS: i64 = 7 * DAY_MS;

/// How long dead-letter and replay topics keep records, in milliseconds: 30 days.
pub const DEAD_LETTER_RETENTION_MS: i64 = 30 * DAY_MS;

/// One topic as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Its settings, by Kafka's names.
    pub config: Vec<(&'static str, String)>,
}

/// How a cluster keeps copies of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// The replication factor.
    pub factor: i32,
    /// How many in-sync replicas must have a record before it is acknowledged:
    /// `min.insync.replicas`.
    pub min_insync: i32,
}

impl Replicas {
    /// A cluster of at least three brokers, which may lose one without refusing records and two
    /// without losing any.
    pub const PRODUCTION: Self = Self { factor: 3, min_insync: 2 };

    /// A single broker: to try things out. Records are lost with it.
    pub const SINGLE: Self = Self { factor: 1, min_insync: 1 };
}

impl TopicSpec {
    /// The same topic with the settings that keep its copies: `min.insync.replicas`, and no unclean
    /// election, as that would lose acknowledged records. The factor is not a setting; it is given
    /// when the topic is created.
    #[must_use]
    pub fn replicated(mut self, replicas: Replicas) -> Self {
        self.config.push(("min.insync.replicas", replicas.min_insync.to_string()));
        self.config.push(("unclean.leader.election.enable", "false".to_owned()));
        self
    }
}

/// The topics that events are said on.
#[must_use]
pub fn event_topics() -> Vec<TopicSpec> {
    [ORDERS, INVENTORY, LOGISTICS, SELLERS, DELIVERIES].map(event_topic).to_vec()
}

/// A topic for events, also for those of services that are not in this project.
#[must_use]
pub fn event_topic(name: &str) -> TopicSpec {
    kept(name.to_owned(), EVENT_RETENTION_MS, EVENT_BYTES_MAX)
}

/// The topic [`SERVICES`].
#[must_use]
pub fn services_topic() -> TopicSpec {
    let config = vec![
        ("cleanup.policy", "compact".to_owned()),
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("max.message.bytes", EVENT_BYTES_MAX.to_string()),
    ];
    TopicSpec { name: SERVICES.to_owned(), partitions: 1, config }
}

/// The dead-letter and the replay topics of a consumer group that hears `topics`.
#[must_use]
pub fn group_topics(group: &str, topics: &[&str]) -> Vec<TopicSpec> {
    topics
        .iter()
        .flat_map(|topic| [dead_letter_topic(topic, group), replay_topic(topic, group)])
        .map(|name| kept(name, DEAD_LETTER_RETENTION_MS, DEAD_LETTER_BYTES_MAX))
        .collect()
}

/// How the name of each topic of dead letters ends.
pub const DEAD_LETTERS_END: &str = ".dlq";

/// How the name of each topic of replays ends.
pub const REPLAYS_END: &str = ".replay";

/// Where `group` sets aside what it cannot handle of `topic`.
#[must_use]
pub fn dead_letter_topic(topic: &str, group: &str) -> String {
    format!("{topic}.{group}{DEAD_LETTERS_END}")
}

/// Where `group`, and nobody else, hears again what it had set aside of `topic`.
#[must_use]
pub fn replay_topic(topic: &str, group: &str) -> String {
    format!("{topic}.{group}{REPLAYS_END}")
}

/// A topic that keeps its records for a time. The broker's clock stamps them, so that one clock
/// says how old each is; the speaker's is in `ce_time`.
fn kept(name: String, retention_ms: i64, bytes_max: usize) -> TopicSpec {
    let config = vec![
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", retention_ms.to_string()),
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("max.message.bytes", bytes_max.to_string()),
    ];
    TopicSpec { name, partitions: PARTITIONS, config }
}
