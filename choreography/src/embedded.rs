//! A broker inside this process, for a first look and for tests: librdkafka's mock cluster.
//!
//! It is no production broker: it keeps records in memory, and of each partition only the newest
//! 5 MiB or 100,000 records; it has no admin API, and a group takes seconds to form. The promise
//! does not hold on it.

use std::time::Duration;

use anyhow::Context;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaRespErr;
use shared_events::topics::TopicSpec;

/// A broker that lives as long as this value.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

const REFUSED: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;

/// How many bytes a partition keeps, of at most 100,000 records.
pub const BYTES_MAX: usize = 5 * 1024 * 1024;

/// How long the mock cluster takes from one request by its own interface to the next.
const TURN: Duration = Duration::from_millis(2);

impl EmbeddedBroker {
    /// Starts it with `topics`.
    ///
    /// # Errors
    /// librdkafka cannot open a port on the loopback interface.
    pub fn start(topics: &[TopicSpec]) -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("cannot start the embedded broker")?;
        for topic in topics {
            // A request that comes while it turns from the one before is seen up to a second late.
            std::thread::sleep(TURN);
            cluster.create_topic(&topic.name, topic.partitions, 1)?;
        }
        Ok(Self { cluster })
    }

    /// Where it listens.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Refuses what is said on `topic`, until it [accepts](Self::accept) it again: for tests.
    ///
    /// # Errors
    /// There is no such topic.
    pub fn refuse(&self, topic: &str) -> anyhow::Result<()> {
        Ok(self.cluster.topic_error(topic, REFUSED)?)
    }

    /// Accepts what is said on `topic`.
    ///
    /// # Errors
    /// There is no such topic.
    pub fn accept(&self, topic: &str) -> anyhow::Result<()> {
        Ok(self.cluster.topic_error(topic, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)?)
    }

    /// The mock cluster itself, to make it fail in tests.
    pub fn cluster(&self) -> &MockCluster<'static, DefaultProducerContext> {
        &self.cluster
    }
}
