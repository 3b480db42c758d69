//! A Kafka of three brokers, each a process of its own that can be killed alone.

use std::thread;

use crate::local::{LocalParts, Part};

/// 16 bytes in URL-safe base64. Any will do, as long as all brokers have the same.
const CLUSTER_ID: &str = "KchoreographyTestsAAAA";

/// Each record has three copies, and two have to be there before it is acknowledged, as in
/// [`shared_events::topics::Replicas::PRODUCTION`]; so have the offsets of the groups. All else is as
/// Kafka comes: a broker that does not report counts as gone after nine seconds.
const PROPERTIES: &str = "\
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
";

const BROKERS: usize = 3;

impl LocalParts {
    /// Starts a Kafka of three brokers, which are its controllers, too, and a PostgreSQL. The first
    /// broker is of this value; [`brokers`](Self::brokers) has all.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_three(name: &str) -> Self {
        let mut first = Self::new(name, &Part::BOTH);
        let other = |number| Self::new(&format!("{name}-{number}"), &[Part::Kafka]);
        first.others = (2..=BROKERS).map(other).collect();
        let voters = (1..).zip(first.brokers()).map(|(number, broker)| {
            format!("{number}@127.0.0.1:{}", broker.setting("KAFKA_CONTROLLER_PORT"))
        });
        let voters = voters.collect::<Vec<_>>().join(",");
        first.join(1, &voters);
        for (number, broker) in (2..).zip(&mut first.others) {
            broker.join(number, &voters);
        }
        // Ready is a broker when most controllers are there.
        thread::scope(|scope| {
            for broker in first.brokers() {
                scope.spawn(|| broker.up());
            }
        });
        first
    }

    /// Makes this broker, before it is started, the one with this number among these.
    fn join(&mut self, number: usize, voters: &str) {
        let properties =
            format!("{PROPERTIES}node.id={number}\ncontroller.quorum.voters={voters}\n");
        self.environment.extend([
            ("KAFKA_SERVER_PROPERTIES", properties),
            ("KAFKA_CLUSTER_ID", CLUSTER_ID.to_owned()),
            ("KAFKA_HEAP_OPTS", "-Xmx256m".to_owned()),
        ]);
    }
}
