//! What a service looks at before it starts: are its topics there, and does it fit their settings?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared_events::topics::{
    DEAD_LETTER_BYTES_MAX, dead_letter_topic, event_topics, group_topics, replay_topic,
};

use super::{Settings, look, settings, sources};
use crate::config::{Config, Window};
use crate::manifest::Manifest;

/// What a service finds wrong with the topics before it starts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// It does not work until these are created.
    pub missing: Vec<String>,
    /// It does not work until these are mended: topics of its own with too few partitions.
    pub narrow: Vec<String>,
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
    let (admin, there) = look(config).await?;
    let concerned = Concerned::by(manifest);
    let missing = concerned.needed().filter(|name| !there.contains_key(*name)).map(str::to_owned);
    let missing = missing.collect();
    let narrow = concerned.narrow(&there);
    let mut findings = Findings { missing, narrow, ..Findings::default() };
    if config.embedded {
        // It cannot be asked about settings.
        return Ok(findings);
    }
    let known: Vec<String> =
        concerned.all().into_iter().filter(|name| there.contains_key(name)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    findings.warnings = concerned.unseen(&there);
    match settings(&admin, &known).await {
        Ok(settings) => {
            findings.warnings.extend(unreadable(&settings));
            let readable = settings.into_iter().filter_map(|(topic, s)| Some((topic, s.ok()?)));
            let settings: Readable = readable.collect();
            findings.warnings.extend(concerned.too_small(config.answer_bytes as usize, &settings));
            findings.refused = concerned.window_too_short(config.handled_window, &settings);
        }
        Err(error) => {
            findings.warnings.push(format!("the topics' settings cannot be read: {error:#}"));
        }
    }
    Ok(findings)
}

/// The settings of those topics whose settings can be read.
type Readable = BTreeMap<String, BTreeMap<String, String>>;

fn unreadable(settings: &Settings) -> impl Iterator<Item = String> {
    settings.iter().filter_map(|(topic, settings)| {
        let why = settings.as_ref().err()?;
        Some(format!(
            "the settings of topic {topic} cannot be read, so they are not looked at: {why}"
        ))
    })
}

/// The topics that concern a service.
struct Concerned {
    heard: Vec<String>,
    said: Vec<String>,
    /// Those of its own dead letters.
    group: Vec<String>,
    /// Where its dead letters come from.
    sources: Vec<&'static str>,
    service: &'static str,
}

impl Concerned {
    fn by(manifest: &Manifest) -> Self {
        let heard = manifest.topics_heard();
        let group = group_topics(manifest.service, &sources(manifest));
        let group = group.into_iter().map(|spec| spec.name);
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        Self {
            group: group.collect(),
            said: owned(manifest.topics_said()),
            heard: owned(heard),
            sources: sources(manifest),
            service: manifest.service,
        }
    }

    /// A dead letter goes to the partition that it comes from, and so does its replay.
    fn narrow(&self, there: &BTreeMap<String, i32>) -> Vec<String> {
        let mut narrow = vec![];
        for source in &self.sources {
            let Some(needed) = there.get(*source) else { continue };
            for topic in
                [dead_letter_topic(source, self.service), replay_topic(source, self.service)]
            {
                if let Some(has) = there.get(&topic).filter(|has| *has < needed) {
                    narrow.push(format!("{topic} has {has} partitions and {source} has {needed}"));
                }
            }
        }
        narrow
    }

    /// Event topics that are not there, or not shown to this service.
    fn unseen(&self, there: &BTreeMap<String, i32>) -> Vec<String> {
        let unseen = self.all().into_iter().filter(|topic| !there.contains_key(topic));
        let text = |topic| {
            format!(
                "topic {topic} is not there, so its retention does not count in --handled-window"
            )
        };
        unseen.map(text).collect()
    }

    fn needed(&self) -> impl Iterator<Item = &str> {
        self.heard.iter().chain(&self.said).chain(&self.group).map(String::as_str)
    }

    /// Also the other event topics, as their retention says how late something can come again.
    fn all(&self) -> BTreeSet<String> {
        let events = event_topics().into_iter().map(|spec| spec.name);
        self.needed().map(str::to_owned).chain(events).collect()
    }

    fn too_small(&self, answer_bytes: usize, settings: &Readable) -> Vec<String> {
        let answers = self.said.iter().map(|topic| (topic, answer_bytes));
        // What dies may be as large as its own topic allows, with its origin.
        let dead = self.group.iter().map(|topic| (topic, self.dead_letter_bytes(topic, settings)));
        answers.chain(dead).filter_map(|(t, ours)| too_small(t, ours, settings.get(t)?)).collect()
    }

    fn dead_letter_bytes(&self, topic: &str, settings: &Readable) -> usize {
        let of = |source: &&&str| topic.strip_prefix(**source).is_some_and(|t| t.starts_with('.'));
        let source = self.sources.iter().find(of).and_then(|source| settings.get(*source));
        let theirs: Option<usize> = source.and_then(|s| s.get("max.message.bytes")?.parse().ok());
        theirs.map_or(0, |theirs| theirs.saturating_mul(2)).max(DEAD_LETTER_BYTES_MAX)
    }

    /// An event can come again as late as its cause can be given again. So its id is kept for the
    /// retention of what is heard, and the longest retention among the event topics.
    fn window_too_short(&self, window: Window, settings: &Readable) -> Option<String> {
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
