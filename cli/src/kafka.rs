//! How the commands reach Kafka.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use choreography::Config;
use choreography::config::Property;
use clap::builder::Resettable;
use clap::{Args, FromArgMatches};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, Producer};

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

    /// A property of librdkafka, such as security.protocol=SSL; repeatable
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        env = "KAFKA_PROPERTIES",
        value_delimiter = ';'
    )]
    properties: Vec<Property>,
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
    let client = client(config);
    let looking = tokio::task::spawn_blocking(move || {
        let client: BaseProducer = client.create().context("the settings of the client")?;
        let metadata = client.client().fetch_metadata(topic.as_deref(), ANSWER_MAX);
        let metadata = metadata
            .context("no broker answers; check its address (-b, KAFKA_BOOTSTRAP_SERVERS)")?;
        let unknown = metadata.topics().iter().find(|topic| topic.error().is_some());
        if let Some(unknown) = unknown.filter(|_| topic.is_some()) {
            let name = unknown.name();
            anyhow::bail!(
                "there is no topic {name}; `choreo topics create` creates those of the services"
            );
        }
        let partitions = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let topics = metadata.topics().iter();
        let topics = topics.map(|t| (t.name().to_owned(), partitions(t.partitions().len())));
        Ok(Look { brokers: metadata.brokers().len(), topics: topics.collect() })
    });
    looking.await?.with_context(|| format!("Kafka at {}", config.brokers))
}

impl Look {
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

/// The settings of a client that only looks.
pub(crate) fn client(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    for property in &config.properties {
        client.set(&property.key, &property.value);
    }
    client.set("bootstrap.servers", &config.brokers).set("client.id", "choreo");
    // Who only looks must not make a broker create what it looks for.
    client.set("allow.auto.create.topics", "false");
    client
}
