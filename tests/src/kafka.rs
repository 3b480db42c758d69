//! The topics, settings and offsets of a real Kafka.

mod copies;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checker::Progress;
use choreography::{Config, topics};
use clap::Parser;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use rdkafka::types::RDKafkaErrorCode;
use shared_events::topics::{TopicSpec, dead_letter_topic, replay_topic};

use crate::service::Service;
use crate::wait::{self, block_on};

/// A topic and a partition of it.
pub type Partition = (String, i32);

/// A Kafka that is a test's alone.
pub struct Kafka {
    brokers: String,
    config: Config,
    admin: AdminClient<DefaultClientContext>,
    watcher: BaseConsumer,
}

const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

impl Kafka {
    /// The one at `brokers`.
    ///
    /// # Panics
    /// librdkafka refuses the address.
    #[must_use]
    pub fn at(brokers: &str) -> Self {
        let config = Arguments::try_parse_from(["tests", "-b", brokers]).expect("an address");
        let client = client(brokers);
        Self {
            brokers: brokers.to_owned(),
            config: config.config,
            admin: client.create().expect("an admin client"),
            watcher: client.create().expect("a consumer"),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Makes all topics of the services anew, and forgets their groups.
    ///
    /// # Panics
    /// Kafka refuses, or a group has members that do not go.
    pub fn reset(&self) {
        let specs = specs();
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        self.delete_groups();
        for deleted in block_on(self.admin.delete_topics(&names, &options())).expect("an answer") {
            match deleted {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => (),
                Err((name, code)) => panic!("topic {name} is not deleted: {code}"),
            }
        }
        let made = block_on(topics::apply(&self.config, &specs, self.replicas()));
        for outcome in made.expect("topics") {
            assert_eq!(outcome.state, topics::State::Created, "topic {}", outcome.name);
        }
        // What a broker says of a topic may still be about the deleted one for a moment.
        wait::until("the new topics are empty", wait::LIMIT, || {
            let ends = self.try_ends(&names)?;
            let old = ends.iter().find(|(_, (low, high))| (*low, *high) != (0, 0));
            old.map_or(Ok(()), |(partition, ends)| Err(format!("{partition:?} has {ends:?}")))
        });
    }

    /// A member that was killed counts until its session ends, after ten seconds.
    fn delete_groups(&self) {
        // A client of its own: librdkafka 2.12.1 aborts a process whose client has deleted groups and
        // then lives on while the broker is killed (an assertion in rd_kafka_enq_once_del_source_return).
        let admin: AdminClient<DefaultClientContext> =
            client(&self.brokers).create().expect("an admin client");
        wait::until("the groups of the services are deleted", wait::LIMIT, || {
            // Those that are there: while a new Kafka makes the topic of offsets, librdkafka aborts
            // the process when it asks for one to be deleted.
            let all = self.watcher.fetch_group_list(None, TIMEOUT);
            let all = all.map_err(|error| error.to_string())?;
            let is_there = |name: &&str| all.groups().iter().any(|group| group.name() == *name);
            let groups: Vec<&str> =
                Service::ALL.map(Service::name).into_iter().filter(is_there).collect();
            if groups.is_empty() {
                return Ok(());
            }
            let deleted = block_on(admin.delete_groups(&groups, &options()));
            for group in deleted.map_err(|error| error.to_string())? {
                match group {
                    Ok(_) | Err((_, RDKafkaErrorCode::GroupIdNotFound)) => (),
                    Err((name, code)) => return Err(format!("{name}: {code}")),
                }
            }
            Ok(())
        });
    }

    /// Changes one setting of a topic; the others are as the table of topics says.
    ///
    /// # Panics
    /// Kafka refuses.
    pub fn set(&self, topic: &str, key: &str, value: &str) {
        let spec = specs().into_iter().find(|spec| spec.name == topic).expect("a topic of ours");
        let mut config = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, usual) in spec.config.iter().filter(|(name, _)| *name != key) {
            config = config.set(name, usual);
        }
        let altered = block_on(self.admin.alter_configs([&config.set(key, value)], &options()));
        for result in altered.expect("an answer") {
            result.unwrap_or_else(|(_, code)| panic!("{key} of topic {topic}: {code}"));
        }
    }

    /// The low and the high watermark of each partition of `topics`.
    ///
    /// # Panics
    /// Kafka does not tell.
    #[must_use]
    pub fn ends(&self, topics: &[&str]) -> BTreeMap<Partition, (i64, i64)> {
        // Where a leader has moved to, a client learns by asking the wrong one.
        wait::until("Kafka tells watermarks", wait::LIMIT, || self.try_ends(topics))
    }

    fn try_ends(&self, topics: &[&str]) -> Result<BTreeMap<Partition, (i64, i64)>, String> {
        let ends = |topic: &str, partition| -> Result<_, String> {
            let ends = self.watcher.fetch_watermarks(topic, partition, TIMEOUT);
            Ok(((topic.to_owned(), partition), ends.map_err(|error| error.to_string())?))
        };
        let partitions = partitions(topics);
        partitions.iter().map(|(topic, partition)| ends(topic, *partition)).collect()
    }

    /// How many records the group of `service` has not taken, by partition; those of which it has
    /// taken all are left out.
    ///
    /// # Errors
    /// Kafka does not tell.
    pub fn lag(&self, service: Service) -> Result<BTreeMap<Partition, i64>, String> {
        let heard = topics_heard(service);
        let heard: Vec<&str> = heard.iter().map(String::as_str).collect();
        // First the offsets: what is appended between the two counts as not taken.
        let committed = self.committed(service)?;
        let mut lag = BTreeMap::new();
        let ends = self.try_ends(&heard)?;
        for (partition, (low, high)) in ends {
            let at = committed.get(&partition).copied().unwrap_or(low);
            if at < high {
                lag.insert(partition, high - at);
            }
        }
        Ok(lag)
    }

    /// How far each group is, and where all topics end after that.
    ///
    /// # Panics
    /// Kafka does not tell.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let committed = |service| self.committed(service).expect("committed offsets");
        let committed = Service::ALL.map(|service| (service, committed(service)));
        let topics = all_topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let ends = self.ends(&topics);
        let has_deleted = |service: &Service| {
            let letters = dead_letter_topic("", service.name());
            ends.iter().any(|((topic, _), (low, _))| 0 < *low && topic.ends_with(&letters))
        };
        let letters_deleted = Service::ALL.into_iter().filter(has_deleted).collect();
        let ends = ends.iter().map(|(place, (_, high))| (place.clone(), *high)).collect();
        Progress { committed: committed.into(), ends, letters_deleted }
    }

    fn committed(&self, service: Service) -> Result<BTreeMap<Partition, i64>, String> {
        let heard = topics_heard(service);
        let heard: Vec<&str> = heard.iter().map(String::as_str).collect();
        let group: BaseConsumer = group(&self.brokers, service);
        let committed = group.committed_offsets(list(&heard, Offset::Invalid), TIMEOUT);
        let committed = committed.map_err(|error| error.to_string())?;
        let offset = |at: &TopicPartitionListElem<'_>| {
            let offset = at.offset().to_raw().filter(|offset| 0 <= *offset)?;
            Some(((at.topic().to_owned(), at.partition()), offset))
        };
        Ok(committed.elements().iter().filter_map(offset).collect())
    }

    /// Deletes the records of a partition before `offset`, as retention does.
    ///
    /// # Panics
    /// Kafka refuses.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut before = TopicPartitionList::new();
        before.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
        let deleted = block_on(self.admin.delete_records(&before, &options()));
        let deleted = deleted.expect("an answer");
        assert_eq!(deleted.elements()[0].error(), Ok(()), "{topic}/{partition} before {offset}");
    }

    /// Makes the group of `service`, which must have no members, hear everything again.
    ///
    /// # Panics
    /// Kafka refuses.
    pub fn rewind(&self, service: Service) {
        let heard = topics_heard(service);
        let heard: Vec<&str> = heard.iter().map(String::as_str).collect();
        wait::until("the offsets are set back", wait::LIMIT, || {
            let group: BaseConsumer = group(&self.brokers, service);
            let committed = group.commit(&list(&heard, Offset::Offset(0)), CommitMode::Sync);
            committed.map_err(|error| error.to_string())
        });
    }
}

/// All topics of the services that have events, dead letters or replays.
#[must_use]
pub fn specs() -> Vec<TopicSpec> {
    topics::needed_by(&Service::ALL.map(Service::manifest))
}

/// The names of all topics with partitions as events have them.
#[must_use]
pub fn all_topics() -> Vec<String> {
    let names: BTreeSet<_> = specs().into_iter().map(|spec| spec.name).collect();
    names.into_iter().filter(|name| name != shared_events::topics::SERVICES).collect()
}

fn topics_heard(service: Service) -> Vec<String> {
    let manifest = service.manifest();
    let heard = manifest.topics_heard();
    let replays = heard.iter().map(|topic| replay_topic(topic, manifest.service));
    heard.iter().map(|topic| (*topic).to_owned()).chain(replays).collect()
}

fn partitions(topics: &[&str]) -> Vec<(String, i32)> {
    let count = |topic: &str| specs().iter().find(|s| s.name == topic).map_or(0, |s| s.partitions);
    topics.iter().flat_map(|topic| (0..count(topic)).map(|p| ((*topic).to_owned(), p))).collect()
}

fn list(topics: &[&str], offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions(topics) {
        list.add_partition_offset(&topic, partition, offset).expect("a valid offset");
    }
    list
}

/// A client of tests: it commits nothing by itself.
#[must_use]
pub fn client(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("group.id", "tests");
    client.set("enable.auto.commit", "false").set("allow.auto.create.topics", "false");
    client
}

fn group(brokers: &str, service: Service) -> BaseConsumer {
    client(brokers).set("group.id", service.name()).create().expect("a consumer")
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}
