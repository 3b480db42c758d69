//! Who hears and says what, told to everybody: each start writes the service's manifest to the topic
//! [`SERVICES`], which is compacted by `group/version`. Whoever wants to know whether an event was
//! used reads there who should have heard it.

mod published;

use std::time::Duration;

use anyhow::Context;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::TopicPartitionList;
use shared_events::topics::SERVICES;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::kafka;
use crate::manifest::Manifest;
use crate::run::Stop;

pub use published::{Name, Offsets, Published, PublishedHearing, read};

/// How long the broker may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two tries.
const EACH: Duration = Duration::from_secs(5);

/// Writes the manifest. The first try is waited for: once the group goes on hearing, it is harder to
/// tell where this version began. Later ones go on beside the hearing: a service works without, only
/// nobody can tell what it should have heard.
pub(crate) async fn begin(config: &Config, manifest: &Manifest, stop: &Stop) -> JoinHandle<()> {
    let first = tokio::select! {
        first = once(config, manifest) => first,
        () = stop.told() => Ok(()),
    };
    tokio::spawn(go_on(first, config.clone(), manifest.clone()))
}

/// Until Kafka has it. Why it has not is logged once.
async fn go_on(mut last: anyhow::Result<()>, config: Config, manifest: Manifest) {
    let mut told = None;
    loop {
        let Err(error) = last else { return };
        let why = format!("{error:#}");
        if told.as_ref() != Some(&why) {
            tracing::warn!(
                "what this service hears and says cannot be written to topic {SERVICES}, and is tried \
                 again: {why}; `choreo topics create` creates it"
            );
            told = Some(why);
        }
        tokio::time::sleep(EACH).await;
        last = once(&config, &manifest).await;
    }
}

async fn once(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    let (config, manifest) = (config.clone(), manifest.clone());
    let producer: FutureProducer = kafka::publisher(&config, manifest.service).create()?;
    let published = tokio::task::spawn_blocking(move || look(&config, &manifest)).await??;
    let (key, value) = (published.key(), serde_json::to_vec(&published)?);
    let record = FutureRecord::to(SERVICES).key(&key).payload(&value).partition(0);
    let sent = producer.send(record, TIMEOUT).await;
    sent.map_err(|(error, _)| error).context("it is not acknowledged")?;
    tracing::debug!(key, "the manifest is on topic {SERVICES}");
    Ok(())
}

/// What is to be written. An earlier start of the same version may have begun earlier.
fn look(config: &Config, manifest: &Manifest) -> anyhow::Result<Published> {
    let mut own = Published::of(manifest, beginnings(config, manifest)?);
    if let Some(earlier) = read(config)?.remove(&own.key()) {
        if !own.declares_the_same(&earlier) {
            tracing::warn!(
                "what this service hears or says has changed and its version has not: raise the number \
                 in its manifest, so that both are told apart"
            );
        }
        own.begin_no_later(&earlier);
    }
    Ok(own)
}

/// Where the group will go on in each partition that it hears: what is before that was another
/// version's to hear, or nobody's.
fn beginnings(config: &Config, manifest: &Manifest) -> anyhow::Result<Offsets> {
    // It asks for the group's offsets and never joins it.
    let asker: BaseConsumer = kafka::consumer(config, manifest.service).create()?;
    let mut partitions = TopicPartitionList::new();
    for topic in manifest.topics_heard() {
        let metadata = asker.fetch_metadata(Some(topic), TIMEOUT)?;
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            partitions.add_partition(topic, partition.id());
        }
    }
    let committed = asker.committed_offsets(partitions, TIMEOUT).context("the group's offsets")?;
    let mut all = Offsets::new();
    for element in committed.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        let offset = match element.offset() {
            Offset::Offset(offset) => offset,
            _ => asker.fetch_watermarks(topic, partition, TIMEOUT)?.0,
        };
        all.entry(topic.to_owned()).or_default().insert(partition, offset);
    }
    Ok(all)
}
