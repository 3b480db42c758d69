//! Dead letters that Kafka refuses for good: they stay owed, and only their partitions wait.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use super::Runner;
use crate::health::Health;
use crate::hear::Partition;
use crate::incoming::Incoming;
use crate::record::Owed;
use crate::say::SayFault;
use crate::service::Service;

/// A partition whose dead letter is refused is heard again after this time.
const REST: Duration = Duration::from_secs(10);

/// What is refused since it was looked last.
#[derive(Default)]
pub(crate) struct Refused {
    /// Why, by the topic and the partition of dead letters.
    why: BTreeMap<(String, Option<i32>), String>,
    /// The events whose dead letters these are.
    causes: HashSet<Uuid>,
}

impl Refused {
    /// If `fault` is about a dead letter that waiting does not help, it leaves `open`, and so do all
    /// others for its partition: they would stand before it. An answer stays, as its order matters.
    pub(super) fn put_aside(&mut self, open: &mut Vec<Owed>, fault: &SayFault) -> bool {
        let Some(remedy) = fault.remedy else { return false };
        let Some(first) = open.get(fault.place).filter(|first| first.key.is_none()) else {
            return false;
        };
        let place = (first.record.topic.clone(), first.record.partition);
        let is_same = |owed: &Owed| {
            owed.key.is_none() && (&owed.record.topic, owed.record.partition) == (&place.0, place.1)
        };
        self.causes.extend(open.iter().filter(|owed| is_same(owed)).map(|owed| owed.cause));
        open.retain(|owed| !is_same(owed));
        let why = format!("Kafka refuses a dead letter: {}; {remedy}", fault.why);
        tracing::error!(
            messaging.destination = place.0,
            messaging.partition = place.1,
            error.r#type = fault.error_type,
            "{why}"
        );
        self.why.insert(place, why);
        true
    }

    pub(super) fn tell(&self, health: &Health) {
        let texts: Vec<&str> = self.why.values().map(String::as_str).collect();
        health.not_ready("dead letters", (!texts.is_empty()).then(|| texts.join("; ")));
    }

    /// What was refused counts no longer: it is being said again.
    pub(super) fn begin(&mut self) {
        self.why.clear();
    }
}

/// Where the events of a batch were taken.
pub(super) fn places<E>(batch: &[Incoming<E>]) -> Vec<(Uuid, Partition)> {
    let place = |incoming: &Incoming<E>| {
        let partition = (incoming.taken.topic.to_string(), incoming.taken.partition);
        incoming.causes().map(|cause| (cause.0, partition.clone())).collect::<Vec<_>>()
    };
    batch.iter().flat_map(place).collect()
}

impl<S: Service> Runner<S> {
    /// Stops hearing the partitions whose dead letters are refused, for a time: behind them no offset
    /// may be committed, and the others go on. What comes again then brings its dead letter back.
    pub(super) fn rest_refused(&mut self, places: &[(Uuid, Partition)]) {
        let causes = std::mem::take(&mut self.refused.causes);
        let refused: HashSet<&Partition> =
            places.iter().filter(|(cause, _)| causes.contains(cause)).map(|(_, p)| p).collect();
        if !refused.is_empty() {
            self.hear.rest(|partition| refused.contains(partition), REST);
        }
    }
}
