//! Topics on the broker: compared with the one table in `shared_events::topics`, and created.

mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;
use shared_events::topics::{
    Replicas, TopicSpec, event_topic, event_topics, group_topics, replay_topic, services_topic,
};

use crate::config::Config;
use crate::kafka;
use crate::manifest::Manifest;

pub use check::{Findings, check};

/// How long the broker may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What became of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The topic.
    pub name: String,
    /// What became of it.
    pub state: State,
}

/// What became of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was not there, and is now.
    Created,
    /// It was there, as it shall be.
    AsDeclared,
    /// It was there, and is left as it is, though it differs.
    Differs(Vec<Difference>),
    /// The broker refuses to create it.
    Failed(String),
}

/// In what a topic differs from the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `partitions`, or the name of a setting.
    pub what: String,
    /// What it is.
    pub is: String,
    /// What it shall be.
    pub should_be: String,
}

/// All topics that services with these manifests need.
pub fn needed_by(manifests: &[Manifest]) -> Vec<TopicSpec> {
    let mut specs: BTreeMap<String, TopicSpec> = BTreeMap::new();
    let ours = manifests.iter().flat_map(|m| {
        topics_of(m).into_iter().map(event_topic).chain(group_topics(m.service, &sources(m)))
    });
    for spec in event_topics().into_iter().chain([services_topic()]).chain(ours) {
        specs.insert(spec.name.clone(), spec);
    }
    specs.into_values().collect()
}

/// Where dead letters of a service can come from: the topics heard, and those of its timers.
fn sources(manifest: &Manifest) -> Vec<&'static str> {
    let timers = manifest.timers.iter().map(|timer| timer.topic);
    let all: BTreeSet<_> = manifest.topics_heard().into_iter().chain(timers).collect();
    all.into_iter().collect()
}

/// The command that creates all topics that this service needs, whether the command knows the
/// service or not.
#[must_use]
pub fn create_command(config: &Config, manifest: &Manifest) -> String {
    let known = event_topics();
    let own = topics_of(manifest)
        .into_iter()
        .filter(|topic| known.iter().all(|spec| spec.name != *topic));
    let own: String = own.map(|topic| format!(" --topic {topic}")).collect();
    let (group, heard) = (manifest.service, sources(manifest).join(","));
    format!("choreo topics create -b {} --group {group} --hears {heard}{own}", config.brokers)
}

/// The topics that a service hears, and those that it says something on.
fn topics_of(manifest: &Manifest) -> BTreeSet<&'static str> {
    manifest
        .topics_heard()
        .into_iter()
        .chain(manifest.topics_said())
        .chain(sources(manifest))
        .collect()
}

/// The topics that a service subscribes to: those of its events, and those of its replays.
pub(crate) fn heard_by(manifest: &Manifest) -> Vec<String> {
    let replays = sources(manifest).into_iter().map(|topic| replay_topic(topic, manifest.service));
    manifest.topics_heard().into_iter().map(str::to_owned).chain(replays).collect()
}

/// Creates what is missing, compares what is there, changes nothing that exists.
///
/// # Errors
/// The broker does not answer.
pub async fn apply(
    config: &Config,
    specs: &[TopicSpec],
    replicas: Replicas,
) -> anyhow::Result<Vec<Outcome>> {
    let specs: Vec<TopicSpec> =
        specs.iter().cloned().map(|spec| spec.replicated(replicas)).collect();
    let (admin, there) = look(config).await?;
    let existing: Vec<&TopicSpec> = specs.iter().filter(|s| there.contains_key(&s.name)).collect();
    let names: Vec<&str> = existing.iter().map(|spec| spec.name.as_str()).collect();
    let settings = settings(&admin, &names).await?;
    let mut outcomes = create(&admin, &specs, &there, replicas.factor).await?;
    for spec in existing {
        let settings = settings.get(&spec.name).and_then(|settings| settings.as_ref().ok());
        let differences = differences(spec, there[&spec.name], settings);
        let state =
            if differences.is_empty() { State::AsDeclared } else { State::Differs(differences) };
        outcomes.push(Outcome { name: spec.name.clone(), state });
    }
    outcomes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(outcomes)
}

async fn create(
    admin: &AdminClient<DefaultClientContext>,
    specs: &[TopicSpec],
    there: &BTreeMap<String, i32>,
    factor: i32,
) -> anyhow::Result<Vec<Outcome>> {
    let missing: Vec<NewTopic<'_>> = specs
        .iter()
        .filter(|spec| !there.contains_key(&spec.name))
        .map(|spec| {
            let new = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(factor));
            spec.config.iter().fold(new, |new, (key, value)| new.set(key, value))
        })
        .collect();
    if missing.is_empty() {
        return Ok(vec![]);
    }
    let results =
        admin.create_topics(&missing, &options()).await.context("cannot create topics")?;
    Ok(results
        .into_iter()
        .map(|result| match result {
            Ok(name) => Outcome { name, state: State::Created },
            Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => {
                Outcome { name, state: State::AsDeclared }
            }
            Err((name, code)) => Outcome { name, state: State::Failed(code.to_string()) },
        })
        .collect())
}

fn differences(
    spec: &TopicSpec,
    partitions: i32,
    settings: Option<&BTreeMap<String, String>>,
) -> Vec<Difference> {
    let mut found = vec![];
    if partitions != spec.partitions {
        found.push(Difference {
            what: "partitions".to_owned(),
            is: partitions.to_string(),
            should_be: spec.partitions.to_string(),
        });
    }
    for (key, should_be) in &spec.config {
        let is = settings.and_then(|settings| settings.get(*key)).map_or("unknown", String::as_str);
        if is != should_be {
            let (what, should_be) = ((*key).to_owned(), should_be.clone());
            found.push(Difference { what, is: is.to_owned(), should_be });
        }
    }
    found
}

/// A client, and all topics that have partitions, with how many. The client waits for the broker
/// with its whole thread.
async fn look(
    config: &Config,
) -> anyhow::Result<(AdminClient<DefaultClientContext>, BTreeMap<String, i32>)> {
    let client = kafka::admin(config, "choreography");
    tokio::task::spawn_blocking(move || {
        let admin = client.create().context("the settings of the client")?;
        let there = partitions(&admin)?;
        Ok((admin, there))
    })
    .await?
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

fn partitions(admin: &AdminClient<DefaultClientContext>) -> anyhow::Result<BTreeMap<String, i32>> {
    let metadata = admin
        .inner()
        .fetch_metadata(None, TIMEOUT)
        .context("no broker answers; is the address right (-b, KAFKA_BOOTSTRAP_SERVERS)?")?;
    let count = |topic: &rdkafka::metadata::MetadataTopic| {
        i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)
    };
    let all = metadata.topics().iter().map(|topic| (topic.name().to_owned(), count(topic)));
    Ok(all.filter(|(_, partitions)| 0 < *partitions).collect())
}

/// The settings of topics, by topic and name; or why those of one topic cannot be read.
type Settings = BTreeMap<String, Result<BTreeMap<String, String>, RDKafkaErrorCode>>;

/// Reads the settings of topics, each by itself: one that must not be read hides no other.
async fn settings(
    admin: &AdminClient<DefaultClientContext>,
    topics: &[&str],
) -> anyhow::Result<Settings> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let described = admin
        .describe_configs(&resources, &options())
        .await
        .context("cannot read the topics' settings")?;
    let mut all = BTreeMap::new();
    for (topic, resource) in topics.iter().zip(described) {
        let of = |resource: rdkafka::admin::ConfigResource| {
            resource.entries.into_iter().filter_map(|e| Some((e.name, e.value?))).collect()
        };
        all.insert((*topic).to_owned(), resource.map(of));
    }
    Ok(all)
}
