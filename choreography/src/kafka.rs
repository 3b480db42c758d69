//! Clients of Kafka with the settings that the promise rests on.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::types::RDKafkaErrorCode;
use shared_events::headers::RawHeaders;

use crate::config::Config;

/// What every client has: the user's properties, and where the brokers are. None makes a broker create
/// what it asks for.
fn reaching(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    for property in config.properties() {
        client.set(&property.key, &property.value);
    }
    client.set("bootstrap.servers", &config.brokers);
    client.set("allow.auto.create.topics", "false");
    client
}

fn client(config: &Config, service: &str) -> ClientConfig {
    let mut client = reaching(config);
    or(&mut client, config, "client.id", service);
    // A broker that closes an idle connection is no event.
    or(&mut client, config, "log.connection.close", "false");
    // A connection that somebody in between has forgotten tells nobody: without an answer for so long
    // it is made anew. By itself librdkafka waits for a minute.
    or(&mut client, config, "socket.timeout.ms", "10000");
    client
}

/// The consumer of `group`. Offsets are committed by hand, and a lost offset is an error, as a jump
/// in either direction would lose events or hide that some are gone.
pub(crate) fn consumer(config: &Config, group: &str) -> ClientConfig {
    let mut client = client(config, group);
    client.set("group.id", group);
    client.set("group.protocol", "classic");
    client.set("partition.assignment.strategy", "cooperative-sticky");
    client.set("session.timeout.ms", "10000");
    client.set("max.poll.interval.ms", "60000");
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("auto.offset.reset", "error");
    client.set("isolation.level", "read_committed");
    client.set("check.crcs", "true");
    client.set("queued.max.messages.kbytes", config.fetch_ahead_kib.to_string());
    client.set("statistics.interval.ms", "5000");
    or(&mut client, config, "fetch.wait.max.ms", "500");
    or(&mut client, config, "fetch.error.backoff.ms", "50");
    or(&mut client, config, "topic.metadata.refresh.interval.ms", "10000");
    client
}

/// The producer of answers: it never gives up on a record, and never lets a later one pass an
/// earlier one.
pub(crate) fn answers(config: &Config, service: &str) -> ClientConfig {
    let mut client = producer(config, service);
    client.set("message.timeout.ms", "0");
    client.set("enable.gapless.guarantee", "true");
    // A dead letter of what came compressed has to fit, too.
    or(&mut client, config, "compression.type", "lz4");
    or(&mut client, config, "linger.ms", "1");
    client
}

/// The producer of what starts outside of Kafka: whoever waits is told after five seconds.
pub(crate) fn publisher(config: &Config, service: &str) -> ClientConfig {
    let mut client = producer(config, service);
    client.set("message.timeout.ms", "5000");
    or(&mut client, config, "linger.ms", "1");
    client
}

fn producer(config: &Config, service: &str) -> ClientConfig {
    let mut client = client(config, service);
    client.set("enable.idempotence", "true");
    client.set("acks", "all");
    // As Java's clients do: so all producers that follow them put a key on the same partition.
    client.set("partitioner", "murmur2_random");
    // It counts before compression. What is too large is for the broker to say: a dead letter may be
    // of a batch that another producer has compressed well.
    client.set("message.max.bytes", "1000000000");
    client
}

/// The settings of a client of `choreo`, which only looks at a cluster.
#[must_use]
pub fn looker(config: &Config) -> ClientConfig {
    let mut client = reaching(config);
    client.set("client.id", "choreo");
    client
}

/// The same for reading what is on topics as an onlooker: partitions of one's own choice, no group,
/// nothing committed, each end told.
#[must_use]
pub fn onlooker(config: &Config) -> ClientConfig {
    let mut client = looker(config);
    client
        // The library asks for a name even if there is no group.
        .set("group.id", "choreo")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.wait.max.ms", "10");
    client
}

/// The headers of a record, as they came.
#[must_use]
pub fn headers_of(message: &BorrowedMessage<'_>) -> RawHeaders {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect()
}

/// For reading and creating topics.
pub(crate) fn admin(config: &Config, service: &str) -> ClientConfig {
    client(config, service)
}

/// A default of ours that the user's own property overrides.
fn or(client: &mut ClientConfig, config: &Config, key: &str, value: &str) {
    if !config.properties().any(|property| property.key == key) {
        client.set(key, value);
    }
}

/// Whether the broker will say the same however often it is asked; what to do about it, if so.
pub(crate) fn refused_for_good(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => {
            Some("raise the topic's setting max.message.bytes")
        }
        Code::TopicAuthorizationFailed => Some("give this service the right to write to the topic"),
        Code::ClusterAuthorizationFailed => {
            Some("give this service the right IdempotentWrite on the cluster")
        }
        Code::UnknownTopic | Code::UnknownTopicOrPartition => {
            Some("create it with `choreo topics create`")
        }
        Code::UnknownPartition => {
            Some("give a topic of dead letters as many partitions as the one they come from")
        }
        Code::InvalidTopic | Code::PolicyViolation | Code::InvalidRecord => {
            Some("the broker's policy forbids this record")
        }
        Code::InvalidTimestamp => Some("set the topic's message.timestamp.type to LogAppendTime"),
        _ => None,
    }
}

/// Writes a line of librdkafka's log. A lost connection is made again by itself, so that nothing of
/// it is an error that a person must act on.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        // Warnings about properties that are set with intent.
        // A commit that failed is told once, by us.
        _ if facility == "CONFWARN" || facility == "COMMITFAIL" => {
            tracing::debug!(target: "librdkafka", facility, "{text}")
        }
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "librdkafka", facility, "{text}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            tracing::warn!(target: "librdkafka", facility, "{text}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, "{text}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}

/// The same for what librdkafka reports as an error of a client.
pub(crate) fn log_error(error: &rdkafka::error::KafkaError, reason: &str) {
    tracing::warn!(target: "librdkafka", %error, "{reason}");
}
