//! How the commands reach Kafka.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::config::PropertyLine;
use choreography::{Config, looker};
use clap::builder::Resettable;
use clap::{Args, FromArgMatches};
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

/// The options of each command that talks to a real Kafka.
#[derive(clap::Args, Debug)]
pub(crate) struct Cluster {
    /// Kafka brokers, separated by commas
    #[arg(
        short = 'b',
        long,
        visible_alias = "bootstrap-server",
        value_name = "HOST:PORT,…",
        env = "KAFKA_BOOTSTRAP_SERVERS",
        default_value = "127.0.0.1:9092"
    )]
    brokers: String,

    /// A property of librdkafka, such as compression.type=gzip; repeatable, and one a line in the
    /// variable
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        env = "KAFKA_PROPERTIES",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    properties: Vec<PropertyLine>,
}

impl Cluster {
    /// The configuration of clients of this cluster.
    ///
    /// # Errors
    /// See [`config`].
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        Ok(Config { properties: self.properties.clone(), ..config(self.brokers.clone())? })
    }
}

/// The runtime's configuration with its own defaults: what the environment says is meant for
/// services, so it is not read.
///
/// # Errors
/// The runtime has an option without a default.
pub(crate) fn config(brokers: String) -> anyhow::Result<Config> {
    let command = clap::Command::new("choreo").no_binary_name(true);
    let command = Config::augment_args(command).mut_args(|arg| arg.env(Resettable::Reset));
    let matches = command.try_get_matches_from(std::iter::empty::<&str>())?;
    Ok(Config { brokers, ..Config::from_arg_matches(&matches)? })
}

/// How long a broker may take to answer for the first time.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long a client may take to tell what it has met.
const TELLING_MAX: Duration = Duration::from_millis(100);

/// What a cluster says of itself.
pub(crate) struct Look {
    /// How many brokers it has.
    pub(crate) brokers: usize,
    /// Its topics, and how many partitions each has.
    topics: BTreeMap<String, i32>,
}

/// Looks whether a broker answers, and knows `topic`: to say what is wrong before anything is tried.
///
/// # Errors
/// No broker answers, or there is no such topic.
pub(crate) async fn look(config: &Config, topic: Option<String>) -> anyhow::Result<Look> {
    let client = looker(config);
    let looking = tokio::task::spawn_blocking(move || {
        let client: BaseProducer<LastError> = client
            .create_with_context(LastError::default())
            .context("the settings of the client")?;
        let metadata = client
            .client()
            .fetch_metadata(topic.as_deref(), ANSWER_MAX)
            .map_err(|error| no_answer(&client, &error))?;
        if topic.is_some() {
            metadata.topics().iter().try_for_each(is_there)?;
        }
        let partitions = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let topics = metadata.topics().iter();
        let topics = topics.map(|t| (t.name().to_owned(), partitions(t.partitions().len())));
        anyhow::Ok(Look { brokers: metadata.brokers().len(), topics: topics.collect() })
    });
    looking.await?.with_context(|| format!("Kafka at {}", config.brokers))
}

impl Look {
    /// The names of its topics.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.keys().map(String::as_str)
    }

    /// All partitions of these topics.
    ///
    /// # Errors
    /// There is no such topic.
    pub(crate) fn partitions(&self, topics: &[String]) -> anyhow::Result<Vec<(String, i32)>> {
        let mut all = vec![];
        for topic in topics {
            let count = self.topics.get(topic).with_context(|| {
                format!("there is no topic {topic}; `choreo topics create` creates those of the services")
            })?;
            all.extend((0..*count).map(|partition| (topic.clone(), partition)));
        }
        Ok(all)
    }
}

/// Whether a topic can be used.
///
/// # Errors
/// It is not there, or what the broker says of it.
fn is_there(topic: &MetadataTopic) -> anyhow::Result<()> {
    let name = topic.name();
    match topic.error().map(RDKafkaErrorCode::from) {
        None => Ok(()),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Err(anyhow!(
                "there is no topic {name}; `choreo topics create` creates those of the services"
            ))
        }
        Some(error) => Err(anyhow!("topic {name}: {error}")),
    }
}

/// What a client has met that it goes on trying after. A call that fails in the end says no more
/// than that its time was over.
#[derive(Default)]
struct LastError(Mutex<Option<String>>);

impl ClientContext for LastError {
    fn error(&self, error: KafkaError, reason: &str) {
        // That follows from what came before it, and says less.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for LastError {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

fn no_answer(client: &BaseProducer<LastError>, error: &KafkaError) -> anyhow::Error {
    // The client tells what it met when it is polled, one thing after the other.
    client.poll(TELLING_MAX);
    let last = client.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let why = last.unwrap_or_else(|| error.to_string());
    anyhow!("no broker answers; check its address (-b, KAFKA_BOOTSTRAP_SERVERS): {why}")
}
