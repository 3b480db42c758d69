//! The evidence of a live system, read in the one order in which it is true: committed offsets, then
//! ends, then records, then rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail};
use checker::books::{Rows, Wanted};
use checker::record::Raw;
use checker::{Books, Evidence, Log, Progress, Record, Service};
use choreography::db::Database;
use choreography::topics::needed_by;
use choreography::{Config, clock, looker};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use shared_events::amounts::Timestamp;
use shared_events::topics::{SERVICES, dead_letter_topic, event_topics, replay_topic};

use super::options::Options;
use crate::follow;
use crate::kafka::{self, Look};
use crate::records::from::From;
use crate::records::{read_to_the_end, starts};

/// How long the broker may take to answer one question.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Records are read from so long before the first order that is looked at: a request to cancel it may
/// have come before it, and clocks differ.
const LEAD_MS: i64 = 5 * 60 * 1000;

/// A topic and a partition of it.
type Partition = (String, i32);

/// What was read.
pub(super) struct Gathered {
    pub(super) evidence: Evidence,
    /// Orders placed from then on can be judged; none: all.
    pub(super) since: Option<Timestamp>,
    /// Whether that is later than was asked for, as there are too many records.
    pub(super) is_narrowed: bool,
}

/// Reads all of it.
///
/// # Errors
/// What cannot be read.
pub(super) async fn gather(
    config: &Config,
    options: &Options,
    from: From,
) -> anyhow::Result<Gathered> {
    let look = kafka::look(config, None).await?;
    let partitions = partitions(&look)?;
    let (asking, asked, records) = (config.clone(), partitions.clone(), options.records);
    let begin = move || {
        let committed = committed(&asking, &asked)?;
        let marks = marks(&asking, &asked)?;
        let begin = begin(&asking, from, records, &marks)?;
        anyhow::Ok((committed, marks, begin))
    };
    let at = || format!("Kafka at {}", config.brokers);
    let (committed, marks, begin) = tokio::task::spawn_blocking(begin).await?.with_context(at)?;
    let mut records = vec![];
    let take = |record| {
        records.push(read(record));
        true
    };
    read_to_the_end(config, &begin.starts, take).await.with_context(at)?;
    let since = begin.since.or_else(|| first_kept(&records, &marks));
    let log = Log::of(records);
    let books = books(options, &log).await?;
    let progress = progress(committed, &marks);
    Ok(Gathered {
        evidence: Evidence { log, books, progress },
        since,
        is_narrowed: begin.is_narrowed,
    })
}

/// All partitions of events, of dead letters and of replays, as far as they are there.
fn partitions(look: &Look) -> anyhow::Result<Vec<Partition>> {
    let there: BTreeSet<&str> = look.topics().collect();
    let events: BTreeSet<String> = event_topics().into_iter().map(|topic| topic.name).collect();
    let needed = needed_by(&Service::ALL.map(Service::manifest));
    let needed = needed.into_iter().map(|topic| topic.name).filter(|name| name != SERVICES);
    let topics: BTreeSet<String> =
        needed.filter(|name| events.contains(name) || there.contains(name.as_str())).collect();
    look.partitions(&topics.into_iter().collect::<Vec<_>>())
}

type Committed = BTreeMap<Service, BTreeMap<Partition, i64>>;

/// What each group has taken. It blocks.
fn committed(config: &Config, partitions: &[Partition]) -> anyhow::Result<Committed> {
    let of_group = |service: Service| {
        let mut asked = TopicPartitionList::new();
        for (topic, partition) in heard(service, partitions) {
            asked.add_partition(topic, *partition);
        }
        let mut client = looker(config);
        client.set("group.id", service.name()).set("enable.auto.commit", "false");
        let client: BaseConsumer = client.create().context("the settings of the client")?;
        let answer = client.committed_offsets(asked, ANSWER_MAX);
        let answer = answer.with_context(|| format!("what group {} has taken", service.name()))?;
        let offset = |element: &TopicPartitionListElem<'_>| {
            let Offset::Offset(offset) = element.offset() else { return None };
            Some(((element.topic().to_owned(), element.partition()), offset))
        };
        anyhow::Ok((service, answer.elements().iter().filter_map(offset).collect()))
    };
    Service::ALL.into_iter().map(of_group).collect()
}

/// The partitions that a group hears, replays included.
fn heard(service: Service, partitions: &[Partition]) -> impl Iterator<Item = &Partition> {
    let heard = service.manifest().topics_heard();
    let replays = heard.iter().map(|topic| replay_topic(topic, service.name()));
    let topics: BTreeSet<String> =
        heard.iter().map(|topic| (*topic).to_owned()).chain(replays).collect();
    partitions.iter().filter(move |(topic, _)| topics.contains(topic))
}

type Marks = BTreeMap<Partition, (i64, i64)>;

/// The low and the high watermark of each partition. It blocks.
fn marks(config: &Config, partitions: &[Partition]) -> anyhow::Result<Marks> {
    let asker: BaseConsumer =
        looker(config).set("group.id", "choreo").create().context("the client")?;
    let marks = |(topic, partition): &Partition| {
        let marks = asker.fetch_watermarks(topic, *partition, ANSWER_MAX);
        let marks = marks.with_context(|| format!("where {topic}/{partition} ends"))?;
        Ok(((topic.clone(), *partition), marks))
    };
    partitions.iter().map(marks).collect()
}

/// Where to begin.
struct Begin {
    starts: TopicPartitionList,
    since: Option<Timestamp>,
    is_narrowed: bool,
}

/// A shorter time, if there are more records than may be read. It blocks.
fn begin(config: &Config, from: From, records: i64, marks: &Marks) -> anyhow::Result<Begin> {
    let partitions: Vec<Partition> = marks.keys().cloned().collect();
    let now_ms = clock::now().0;
    let mut since = match from.absolute() {
        From::Time(ms) => Some(Timestamp(ms)),
        From::Beginning | From::End | From::Offset(_) | From::Last(_) | From::Ago(_) => None,
    };
    let mut is_narrowed = false;
    loop {
        let from = since.map_or(From::Beginning, |since| From::Time((since.0 - LEAD_MS).max(0)));
        let starts = starts::starts(config, from, &partitions)?;
        let count: i64 = starts.elements().iter().map(|start| left(start, marks)).sum();
        if count <= records {
            return Ok(Begin { starts, since, is_narrowed });
        }
        let Some(earlier) = since else {
            bail!(
                "there are {count} records, and --records is {records}: give --since, or more --records"
            );
        };
        let half_ms = (now_ms - earlier.0) / 2;
        if half_ms < 1000 {
            bail!(
                "there are {count} records in the last {LEAD_MS} ms, and --records is {records}: give more --records"
            );
        }
        (since, is_narrowed) = (Some(Timestamp(now_ms - half_ms)), true);
    }
}

/// How many records of a partition stand from its start on.
fn left(start: &TopicPartitionListElem<'_>, marks: &Marks) -> i64 {
    let (low, high) = marks[&(start.topic().to_owned(), start.partition())];
    match start.offset() {
        Offset::Offset(offset) => (high - offset).max(0),
        Offset::Beginning => high - low,
        Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => 0,
    }
}

fn read(record: follow::Record) -> Record {
    Record::read(Raw {
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        append_time: Timestamp(record.time.to_millis().unwrap_or_default()),
        key: record.key,
        value: record.value.unwrap_or_default(),
        headers: record.headers,
    })
}

/// From when on all records are there, if the first ones of a partition of events are gone.
fn first_kept(records: &[Record], marks: &Marks) -> Option<Timestamp> {
    let mut first: BTreeMap<Partition, Timestamp> = BTreeMap::new();
    for record in records {
        let place = (record.topic.clone(), record.partition);
        let time = first.entry(place).or_insert(record.append_time);
        *time = record.append_time.min(*time);
    }
    let events: BTreeSet<String> = event_topics().into_iter().map(|topic| topic.name).collect();
    let cut = marks.iter().filter(|((topic, _), (low, _))| 0 < *low && events.contains(topic));
    cut.filter_map(|(place, _)| first.get(place)).max().map(|time| Timestamp(time.0 + LEAD_MS))
}

fn progress(committed: Committed, marks: &Marks) -> Progress {
    let ends = marks.iter().map(|(place, (_, high))| (place.clone(), *high)).collect();
    let has_deleted = |service: &Service| {
        let letters = dead_letter_topic("", service.name());
        marks.iter().any(|((topic, _), (low, _))| 0 < *low && topic.ends_with(&letters))
    };
    let letters_deleted = Service::ALL.into_iter().filter(has_deleted).collect();
    Progress { committed, ends, letters_deleted }
}

/// The rows of the databases that were named, of what the records tell of.
async fn books(options: &Options, log: &Log) -> anyhow::Result<Books> {
    let (mut books, wanted) = (Books::default(), Wanted::by(log));
    for (service, url) in options.databases() {
        let of = || format!("the database of {}", service.name());
        let db = Database::connect_to_read(url).await.with_context(of)?;
        let mut tx = db.begin_read().await.map_err(anyhow::Error::from).with_context(of)?;
        let read = books.add(service, &mut tx, &Rows::Of(&wanted)).await;
        read.map_err(anyhow::Error::from).with_context(of)?;
        tx.rollback().await.map_err(anyhow::Error::from).with_context(of)?;
        db.close().await;
    }
    Ok(books)
}
