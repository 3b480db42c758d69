//! Topics on the broker: compared with the one table in `shared_events::topics`, and created.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;
use shared_events::topics::{
    DEAD_LETTER_BYTES_MAX, Replicas, TopicSpec, event_topic, event_topics, group_topics,
    services_topic,
};

use crate::config::{Config, Window};
use crate::kafka;
use crate::manifest::Manifest;

/// How long the broker may take.
const TIMEOUT: Duration = Duration::from_secs(15);

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
        let topics: BTreeSet<_> = m.topics_heard().into_iter().chain(m.topics_said()).collect();
        topics.into_iter().map(event_topic).chain(group_topics(m.service, &m.topics_heard()))
    });
    for spec in event_topics().into_iter().chain([services_topic()]).chain(ours) {
        specs.insert(spec.name.clone(), spec);
    }
    specs.into_values().collect()
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
    let admin = admin(config)?;
    let there = partitions(&admin)?;
    let existing: Vec<&TopicSpec> = specs.iter().filter(|s| there.contains_key(&s.name)).collect();
    let names: Vec<&str> = existing.iter().map(|spec| spec.name.as_str()).collect();
    let settings = settings(&admin, &names).await?;
    let mut outcomes = create(&admin, &specs, &there, replicas.factor).await?;
    for spec in existing {
        let differences = differences(spec, there[&spec.name], settings.get(&spec.name));
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

/// What a service finds wrong with the topics before it starts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// It does not work until these are mended.
    pub missing: Vec<String>,
    /// It works, and may fail later.
    pub warnings: Vec<String>,
    /// It must not start, as it would break the promise.
    pub refused: Option<String>,
}

/// Compares the topics of one service with its configuration.
///
/// # Errors
/// The broker does not answer.
pub async fn check(config: &Config, manifest: &Manifest) -> anyhow::Result<Findings> {
    let admin = admin(config)?;
    let there = partitions(&admin)?;
    let concerned = Concerned::by(manifest);
    let missing = concerned.needed().filter(|name| !there.contains_key(*name)).map(str::to_owned);
    let mut findings = Findings { missing: missing.collect(), ..Findings::default() };
    let known: Vec<String> =
        concerned.all().into_iter().filter(|name| there.contains_key(name)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match settings(&admin, &known).await {
        Ok(settings) => {
            findings.warnings = concerned.too_small(config.answer_bytes as usize, &settings);
            findings.refused = concerned.window_too_short(config.handled_window, &settings);
        }
        Err(error) => {
            findings.warnings.push(format!("the topics' settings cannot be read: {error:#}"));
        }
    }
    Ok(findings)
}

/// The topics that concern a service.
struct Concerned {
    heard: Vec<String>,
    said: Vec<String>,
    /// Those of its own dead letters.
    group: Vec<String>,
}

/// The settings of topics, by topic and name.
type Settings = BTreeMap<String, BTreeMap<String, String>>;

impl Concerned {
    fn by(manifest: &Manifest) -> Self {
        let heard = manifest.topics_heard();
        let group = group_topics(manifest.service, &heard).into_iter().map(|spec| spec.name);
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        Self { group: group.collect(), said: owned(manifest.topics_said()), heard: owned(heard) }
    }

    fn needed(&self) -> impl Iterator<Item = &str> {
        self.heard.iter().chain(&self.said).chain(&self.group).map(String::as_str)
    }

    /// Also the other event topics, as their retention says how late something can come again.
    fn all(&self) -> BTreeSet<String> {
        let events = event_topics().into_iter().map(|spec| spec.name);
        self.needed().map(str::to_owned).chain(events).collect()
    }

    fn too_small(&self, answer_bytes: usize, settings: &Settings) -> Vec<String> {
        let answers = self.said.iter().map(|topic| (topic, answer_bytes));
        let dead = self.group.iter().map(|topic| (topic, DEAD_LETTER_BYTES_MAX));
        answers.chain(dead).filter_map(|(t, ours)| too_small(t, ours, settings.get(t)?)).collect()
    }

    /// An event can come again as late as its cause can be given again. So its id is kept for the
    /// retention of what is heard, and the longest retention among the event topics.
    fn window_too_short(&self, window: Window, settings: &Settings) -> Option<String> {
        let heard = self.heard.iter().filter_map(|topic| retention(settings.get(topic)?)).max()?;
        let events = settings.iter().filter(|(topic, _)| !self.group.contains(topic));
        let events = events.filter_map(|(_, settings)| retention(settings)).max()?;
        let needed = match (heard, events) {
            (Window::For(heard), Window::For(events)) => Window::For(heard + events),
            (Window::Forever, _) | (_, Window::Forever) => Window::Forever,
        };
        (window < needed).then(|| match needed {
            Window::Forever => {
                "some topics keep their records forever: start with --handled-window forever".to_owned()
            }
            Window::For(needed) => {
                let needed = humantime::format_duration(needed);
                format!(
                    "ids of handled events must be kept for at least {needed}, or events could have \
                     their effect twice: start with --handled-window \"{needed}\""
                )
            }
        })
    }
}

/// For how long a topic keeps its records; -1 is for ever.
fn retention(settings: &BTreeMap<String, String>) -> Option<Window> {
    let ms: i64 = settings.get("retention.ms")?.parse().ok()?;
    Some(u64::try_from(ms).map_or(Window::Forever, |ms| Window::For(Duration::from_millis(ms))))
}

fn too_small(topic: &str, ours: usize, settings: &BTreeMap<String, String>) -> Option<String> {
    let theirs: usize = settings.get("max.message.bytes")?.parse().ok()?;
    (theirs < ours).then(|| {
        format!("topic {topic} takes records of {theirs} bytes (max.message.bytes), and ours may have {ours}")
    })
}

fn admin(config: &Config) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    kafka::admin(config, "choreography").create().context("the settings of the client")
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

/// All topics, with how many partitions they have.
fn partitions(admin: &AdminClient<DefaultClientContext>) -> anyhow::Result<BTreeMap<String, i32>> {
    let metadata = admin
        .inner()
        .fetch_metadata(None, TIMEOUT)
        .context("no broker answers; is the address right (-b, KAFKA_BOOTSTRAP_SERVERS)?")?;
    let count = |topic: &rdkafka::metadata::MetadataTopic| {
        i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)
    };
    Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), count(topic))).collect())
}

/// Reads the settings of topics.
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
        let entries =
            resource?.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
        all.insert((*topic).to_owned(), entries.collect());
    }
    Ok(all)
}
