//! One look at one order.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use choreography::announce::{self, Published};
use choreography::{Config, clock, onlooker};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::Metadata;
use shared_events::murmur2;
use shared_events::orders::OrderPlaced;
use shared_events::topics::{ORDERS, dead_letter_topic, event_topics, replay_topic};

use super::records::{self, Next};
use super::{Search, TIMEOUT, ends, groups, start};
use crate::judge::judge;
use crate::outcome::{Flow, Verdict};
use crate::sight::Sight;
use crate::story::{Record, Story};

/// An order of which nothing was said for so long is probably done: only if something is missing is
/// it read on to the end.
const QUIET_MS: i64 = 30_000;

/// What is read of one order.
pub(super) struct Look<'a> {
    config: &'a Config,
    order: &'a str,
    records_max: u64,
    sight: Sight,
    story: Story,
    /// The partitions of its key.
    own: BTreeSet<(String, i32)>,
    search: Search,
}

impl<'a> Look<'a> {
    /// Reads what is committed, and then where the partitions end.
    pub(super) fn begin(
        config: &'a Config,
        order: &'a str,
        records_max: u64,
    ) -> anyhow::Result<Self> {
        let reader: BaseConsumer = onlooker(config).create()?;
        let metadata = reader.fetch_metadata(None, TIMEOUT);
        let metadata = metadata.with_context(|| {
            format!("no broker answers at {} (-b, KAFKA_BOOTSTRAP_SERVERS)", config.brokers)
        })?;
        let counts = counts(&metadata);
        ensure!(
            counts.contains_key(ORDERS),
            "there is no topic {ORDERS}; is this the right Kafka?"
        );
        // Without a right to read them, or before the first start, nothing is declared.
        let manifests = announce::read(config).unwrap_or_else(|error| {
            tracing::warn!("no manifests, so nobody can tell who should hear: {error:#}");
            BTreeMap::new()
        });
        let topics = topics(&manifests, &counts);
        let own = |count: i32| murmur2::partition(order.as_bytes(), count);
        let all = topics.iter().flat_map(|topic| {
            let count = counts[topic.as_str()];
            // Other producers may put a key of `orders` elsewhere, and so may its dead letters stand.
            let everywhere = is_of_orders(topic);
            let wanted = (0..count).filter(move |p| everywhere || *p == own(count));
            wanted.map(|partition| (topic.clone(), partition))
        });
        let all: Vec<_> = all.collect();
        let committed = groups::committed(config, &reader, &manifests, &all)?;
        let ends = ends::read(config, &all)?;
        let is_own =
            |(topic, partition): &&(String, i32)| *partition == own(counts[topic.as_str()]);
        let own = all.iter().filter(is_own).cloned().collect();
        let sight = Sight { manifests, committed, ends, at: clock::now() };
        let (story, search) = (Story::default(), Search::default());
        Ok(Self { config, order, records_max, sight, story, own, search })
    }

    /// Searches OrderPlaced: where its key and its time say, then everywhere from that time on, then
    /// everywhere.
    pub(super) fn find(&mut self) -> anyhow::Result<()> {
        let time = start::time_of(self.order);
        let plan = [(time, true), (time, false), (None, false)];
        for (from_ms, is_narrow) in plan.into_iter().filter(|(ms, narrow)| ms.is_some() || !narrow)
        {
            self.search.is_wide = !is_narrow;
            let partitions = self.sight.ends.iter().filter(|(place, _)| {
                place.0 == ORDERS && (!is_narrow || self.own.contains(*place))
            });
            let starts = start::offsets(self.config, from_ms, partitions)?;
            let (order, story) = (self.order, &mut self.story);
            let mut found = None;
            let take = |record: &Record| {
                if story.take(order, record) && story.first::<OrderPlaced>().is_some() {
                    found = Some(record.place.partition);
                    return Next::Enough;
                }
                Next::GoOn
            };
            let ends = &mut self.sight.ends;
            self.search.records +=
                records::read(self.config, &starts, ends, self.records_max, take)?;
            if let Some(partition) = found {
                self.keep_to(partition);
                return Ok(());
            }
        }
        Ok(())
    }

    /// OrderPlaced is on this partition of its topic: the story goes on there, too, and nowhere else
    /// but on its key's partitions.
    fn keep_to(&mut self, partition: i32) {
        let is_beside = |(topic, at): &(String, i32)| is_of_orders(topic) && *at == partition;
        let own = &self.own;
        self.sight.ends.retain(|place, _| own.contains(place) || is_beside(place));
        self.sight.ends.values_mut().for_each(|end| end.is_cut = false);
    }

    /// Reads what follows: until the story is whole and nothing more was said of it for a while, else
    /// to the end.
    pub(super) fn read_on(&mut self) -> anyhow::Result<Flow> {
        let from_ms = self.story.first::<OrderPlaced>().map(|placed| placed.place.appended_ms);
        let mut starts = start::offsets(self.config, from_ms, self.sight.ends.iter())?;
        let flow = self.read_until(&starts, Some(QUIET_MS))?;
        if flow.verdict == Verdict::Whole {
            return Ok(flow);
        }
        for (place, offset) in &mut starts {
            *offset = (*offset).max(self.sight.ends[place].read);
        }
        self.search.until_ms = None;
        self.read_until(&starts, None)
    }

    fn read_until(
        &mut self,
        starts: &BTreeMap<(String, i32), i64>,
        quiet_ms: Option<i64>,
    ) -> anyhow::Result<Flow> {
        let (order, story, until) = (self.order, &mut self.story, &mut self.search.until_ms);
        let take = |record: &Record| {
            let at = record.place.appended_ms;
            let is_about = story.take(order, record);
            let quiet = quiet_ms.and_then(|quiet| Some(story.latest_ms()?.saturating_add(quiet)));
            match quiet.filter(|quiet| !is_about && *quiet < at) {
                Some(_) => {
                    *until = Some(until.map_or(at, |until| until.min(at)));
                    Next::EnoughOfPartition
                }
                None => Next::GoOn,
            }
        };
        let ends = &mut self.sight.ends;
        self.search.records += records::read(self.config, starts, ends, self.records_max, take)?;
        Ok(judge(self.order, &self.story, &self.sight))
    }

    pub(super) fn search(self) -> Search {
        let is_cut = self.sight.ends.values().any(|end| end.is_cut);
        Search { is_cut, ..self.search }
    }
}

/// Whether it is the topic of orders, or one of its dead letters or replays.
fn is_of_orders(topic: &str) -> bool {
    topic.split('.').next() == Some(ORDERS)
}

/// How many partitions each topic has.
fn counts(metadata: &Metadata) -> BTreeMap<String, i32> {
    let topics = metadata.topics().iter().filter(|topic| !topic.partitions().is_empty());
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    topics.map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect()
}

/// All topics on which a story can be told: those of the contract and of the manifests, with the
/// dead letters and the replays of each declared group.
fn topics(
    manifests: &BTreeMap<String, Published>,
    there: &BTreeMap<String, i32>,
) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = event_topics().into_iter().map(|spec| spec.name).collect();
    for published in manifests.values() {
        let heard = published.hears.iter().map(|hearing| &hearing.event);
        let named = heard.chain(&published.says).chain(&published.timers);
        for name in named {
            all.insert(name.topic.clone());
            all.insert(dead_letter_topic(&name.topic, &published.group));
            all.insert(replay_topic(&name.topic, &published.group));
        }
    }
    all.retain(|topic| there.contains_key(topic));
    all
}
