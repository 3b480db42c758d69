//! Dead letters, and whether they were replayed.

use std::collections::BTreeMap;
use std::str::FromStr;

use choreography::dead_letter::{
    DLQ_ATTEMPT, DLQ_GROUP, DLQ_ID, DLQ_OFFSET, DLQ_PARTITION, DLQ_TOPIC,
};
use shared_events::ids::EventId;
use shared_events::topics::{dead_letter_topic, replay_topic};

use crate::evidence::{Dead, Evidence};
use crate::record::Record;
use crate::service::Service;

/// What became of an event that a service has set aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death<'a> {
    /// The dead letter of its last death.
    pub(crate) letter: &'a Record,
    attempt: u32,
    /// The newest replay, by the death that it is of, and whether the group has taken it.
    replay: Option<(u32, bool)>,
}

impl Death<'_> {
    /// Whether it is dead, and not given again since.
    pub(crate) fn is_final(&self) -> bool {
        self.replay.is_none_or(|(attempt, _)| attempt < self.attempt)
    }

    /// Whether it is given again and not taken yet.
    pub(crate) fn is_replayed(&self) -> bool {
        self.replay.is_some_and(|(attempt, taken)| self.attempt <= attempt && !taken)
    }
}

/// All deaths, by who set aside and what.
pub(crate) type Deaths<'a> = BTreeMap<(Service, EventId), Death<'a>>;

/// What is on the topics of dead letters and of replays.
pub(crate) fn read(evidence: &Evidence) -> Deaths<'_> {
    let mut deaths = Deaths::new();
    for (service, letter) in letters(evidence) {
        let (Some(id), Some(attempt)) = (header(letter, DLQ_ID), header(letter, DLQ_ATTEMPT))
        else {
            continue;
        };
        let new = Death { letter, attempt, replay: None };
        let known = deaths.entry((service, id)).or_insert(new);
        if known.attempt < attempt {
            *known = new;
        }
    }
    for ((service, id), attempt, taken) in replays(evidence) {
        if let Some(death) = deaths.get_mut(&(service, id)) {
            death.replay = death.replay.max(Some((attempt, taken)));
        }
    }
    deaths
}

/// What is on the topics of dead letters of each service.
pub(crate) fn letters(evidence: &Evidence) -> impl Iterator<Item = (Service, &Record)> {
    Service::ALL.into_iter().flat_map(|service| {
        let end = dead_letter_topic("", service.name());
        let records = evidence.log.0.iter().filter(move |record| record.topic.ends_with(&end));
        records.map(move |record| (service, record))
    })
}

type Replay = ((Service, EventId), u32, bool);

fn replays(evidence: &Evidence) -> impl Iterator<Item = Replay> {
    Service::ALL.into_iter().flat_map(move |service| {
        let end = replay_topic("", service.name());
        let records = evidence.log.0.iter().filter(move |record| record.topic.ends_with(&end));
        records.filter_map(move |record| {
            let id = header(record, DLQ_ID)?;
            let taken = evidence.progress.has_taken(service, record);
            Some(((service, id), header(record, DLQ_ATTEMPT)?, taken))
        })
    })
}

/// Where the record of a dead letter stood, by its headers.
pub(crate) fn origin(letter: &Record, service: Service) -> Option<Dead> {
    (letter.header(DLQ_GROUP)? == service.name()).then_some(())?;
    let topic = letter.header(DLQ_TOPIC)?;
    (dead_letter_topic(topic, service.name()) == letter.topic).then(|| {
        let (partition, offset) = (header(letter, DLQ_PARTITION)?, header(letter, DLQ_OFFSET)?);
        Some(Dead { service, topic: topic.to_owned(), partition, offset })
    })?
}

fn header<T: FromStr>(record: &Record, name: &str) -> Option<T> {
    record.header(name)?.parse().ok()
}
