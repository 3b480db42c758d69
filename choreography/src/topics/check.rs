//! What a service looks at before it starts: are its topics there, and does it fit their settings?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared_events::topics::{DEAD_LETTER_BYTES_MAX, event_topics, group_topics};

use super::{Settings, look, settings, sources};
use crate::config::{Config, Window};
use crate::manifest::Manifest;

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
    let (admin, there) = look(config).await?;
    let concerned = Concerned::by(manifest);
    let missing = concerned.needed().filter(|name| !there.contains_key(*name)).map(str::to_owned);
    let mut findings = Findings { missing: missing.collect(), ..Findings::default() };
    if config.embedded {
        // It cannot be asked about settings.
        return Ok(findings);
    }
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

impl Concerned {
    fn by(manifest: &Manifest) -> Self {
        let heard = manifest.topics_heard();
        let group = group_topics(manifest.service, &sources(manifest));
        let group = group.into_iter().map(|spec| spec.name);
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
