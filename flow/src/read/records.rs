//! Reading partitions up to their ends, or until who reads has enough of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use choreography::{Config, headers_of, onlooker};
use rdkafka::Offset;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionList;
use std::sync::Arc;

use super::TIMEOUT;
use crate::sight::End;
use crate::story::{Place, Record};

/// So many records of a partition are read in its turn, so that none is far ahead of another.
const TURN: usize = 100;

/// How long the thread sleeps when there is nothing to read; a record wakes it.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// What follows after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next one.
    GoOn,
    /// Nothing more of its partition.
    EnoughOfPartition,
    /// Nothing more at all.
    Enough,
}

/// One partition, and how far it is read.
struct Source {
    place: (String, i32),
    queue: PartitionQueue<DefaultConsumerContext>,
    end: i64,
    records: u64,
}

/// Reads each of these partitions from its offset to its end, and notes in `ends` how far it came;
/// of each at most `records_max`. Out: how many records were read.
pub(super) fn read(
    config: &Config,
    starts: &BTreeMap<(String, i32), i64>,
    ends: &mut BTreeMap<(String, i32), End>,
    records_max: u64,
    mut take: impl FnMut(&Record) -> Next,
) -> anyhow::Result<u64> {
    // What has nothing to read is read.
    let is_open = |place: &(String, i32), offset: i64| {
        ends.get(place).is_some_and(|end| offset < end.high.min(end.stable))
    };
    let starts: BTreeMap<_, _> = starts.iter().filter(|(p, offset)| is_open(p, **offset)).collect();
    let (consumer, mut sources) = open(config, &starts, ends)?;
    let (this, mut read, mut heard) = (std::thread::current(), 0, Instant::now());
    for source in &mut sources {
        let this = this.clone();
        source.queue.set_nonempty_callback(move || this.unpark());
    }
    while !sources.is_empty() {
        let mut is_idle = true;
        // The client's own events, such as a lost connection.
        let _ = consumer.poll(Duration::ZERO);
        let mut index = 0;
        while index < sources.len() {
            let source = &mut sources[index];
            let end = ends.get_mut(&source.place).context("a partition without an end")?;
            let before = source.records;
            let next = source.turn(end, records_max, &mut take)?;
            read += source.records - before;
            is_idle &= source.records == before && next == Next::GoOn;
            match next {
                Next::GoOn => index += 1,
                Next::EnoughOfPartition => drop(sources.swap_remove(index)),
                Next::Enough => return Ok(read),
            }
        }
        if !is_idle {
            heard = Instant::now();
            continue;
        }
        ensure!(heard.elapsed() < TIMEOUT, "the broker does not give all records");
        std::thread::park_timeout(SLEEP_MAX);
    }
    Ok(read)
}

fn open(
    config: &Config,
    starts: &BTreeMap<&(String, i32), &i64>,
    ends: &BTreeMap<(String, i32), End>,
) -> anyhow::Result<(Arc<BaseConsumer>, Vec<Source>)> {
    let consumer: Arc<BaseConsumer> = Arc::new(onlooker(config).create()?);
    let (mut list, mut sources) = (TopicPartitionList::new(), vec![]);
    for (place, offset) in starts {
        let (topic, partition) = (&place.0, place.1);
        list.add_partition_offset(topic, partition, Offset::Offset(**offset))?;
        // Before the assignment, so that nothing comes by the client's common queue, which does not
        // say of which topic it has read the end.
        let queue = consumer.split_partition_queue(topic, partition);
        let queue = queue.with_context(|| format!("{topic}/{partition} cannot be read"))?;
        let end = ends.get(*place).map_or(0, |end| end.high.min(end.stable));
        sources.push(Source { place: (*place).clone(), queue, end, records: 0 });
    }
    consumer.assign(&list)?;
    Ok((consumer, sources))
}

impl Source {
    /// Some records, and whether more are wanted.
    fn turn(
        &mut self,
        end: &mut End,
        records_max: u64,
        take: &mut impl FnMut(&Record) -> Next,
    ) -> anyhow::Result<Next> {
        for _ in 0..TURN {
            let message = match self.queue.poll(Duration::ZERO) {
                None => return Ok(Next::GoOn),
                // Nothing is left but marks of transactions.
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    end.read = self.end;
                    return Ok(Next::EnoughOfPartition);
                }
                Some(Err(error)) => {
                    return Err(error)
                        .with_context(|| format!("{}/{}", self.place.0, self.place.1));
                }
                Some(Ok(message)) => message,
            };
            // What came after the end was read may be an answer to what is not taken yet.
            if self.end <= message.offset() {
                end.read = self.end;
                return Ok(Next::EnoughOfPartition);
            }
            self.records += 1;
            end.read = message.offset() + 1;
            let next = take(&record(&message));
            if next != Next::GoOn {
                return Ok(next);
            }
            if end.read == self.end {
                return Ok(Next::EnoughOfPartition);
            }
            if self.records == records_max {
                end.is_cut = true;
                return Ok(Next::EnoughOfPartition);
            }
        }
        Ok(Next::GoOn)
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        place: Place {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            appended_ms: message.timestamp().to_millis().unwrap_or_default(),
        },
        key: message.key().map(<[u8]>::to_vec),
        headers: headers_of(message),
        value: message.payload().map(<[u8]>::to_vec),
    }
}
