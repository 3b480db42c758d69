//! The evidence, put in order for those who judge.

use std::collections::{BTreeMap, BTreeSet};

use choreography::manifest::Manifest;
use shared_events::amounts::Timestamp;
use shared_events::ids::{EventId, drawn_at};

use crate::books::timers_of;
use crate::deaths::{self, Deaths};
use crate::evidence::{Evidence, Terms};
use crate::journal::Entry;
use crate::record::Record;
use crate::service::Service;
use crate::story::{self, Story};
use crate::violation::Layer;

/// The evidence in order.
pub(crate) struct Case<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) terms: &'a Terms,
    pub(crate) manifests: BTreeMap<Service, Manifest>,
    /// Each event at its first occurrence.
    pub(crate) once: Vec<&'a Record>,
    pub(crate) first: BTreeMap<EventId, &'a Record>,
    /// The orders that are looked at.
    pub(crate) orders: BTreeMap<String, Story<'a>>,
    /// What is there of other orders: placed before, or nobody knows when.
    pub(crate) others: BTreeMap<String, Story<'a>>,
    pub(crate) deaths: Deaths<'a>,
    /// Which services had taken an event, at any of the places where it stands.
    taken: BTreeSet<(Service, EventId)>,
    /// How many answers about each key a service has said.
    pub(crate) said: BTreeMap<(Service, String), i64>,
    /// What its client has taken down of an order.
    pub(crate) placed_by: BTreeMap<&'a str, &'a Entry>,
}

/// Why an answer is not on its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is lost there.
    Lost(Layer),
    /// It stands in `owed` since then.
    Owed(Timestamp),
    /// A timer that is due then will bring it.
    Timer(Timestamp),
    /// Its cause was not taken yet.
    Behind,
}

/// Before the time of an order's id such a repeat of an older one cannot begin; clocks differ.
const SKEW_MS: i64 = 60_000;

impl<'a> Case<'a> {
    pub(crate) fn of(evidence: &'a Evidence, terms: &'a Terms) -> Self {
        let (mut first, mut once) = (BTreeMap::new(), vec![]);
        for record in evidence.log.events_of_all() {
            if let std::collections::btree_map::Entry::Vacant(new) = first.entry(record.id) {
                new.insert(record);
                once.push(record);
            }
        }
        let is_in = |id: &String, story: &mut Story<'a>| is_looked_at(terms.since, id, story);
        let mut others = story::tell(&once);
        let orders = others.extract_if(.., is_in).collect();
        let manifests = Service::ALL.map(|service| (service, service.manifest())).into();
        let taken = taken(evidence, &manifests);
        let (deaths, said) = (deaths::read(evidence), said(&once));
        let entries = terms.journal.entries.iter();
        let placed_by = entries.filter_map(|entry| Some((entry.order_id.as_deref()?, entry)));
        let placed_by = placed_by.collect();
        Self {
            evidence,
            terms,
            manifests,
            once,
            first,
            orders,
            others,
            deaths,
            taken,
            said,
            placed_by,
        }
    }

    /// Whether nothing may be under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.terms.patience.is_none()
    }

    /// Whether the records are there from the first one on.
    pub(crate) fn is_whole(&self) -> bool {
        self.terms.since.is_none()
    }

    /// Whether all that is said about a key is looked at.
    pub(crate) fn looks_at(&self, key: &str) -> bool {
        self.is_whole() || self.orders.contains_key(key)
    }

    /// Whether a client has placed an order before the orders that are looked at.
    pub(crate) fn is_older(&self, entry: &Entry) -> bool {
        self.terms.since.is_some_and(|since| entry.sent_ms < since.0)
    }

    /// How many orders of the journal are not looked at.
    pub(crate) fn older_entries(&self) -> usize {
        self.placed_by.values().filter(|entry| self.is_older(entry)).count()
    }

    /// Whether something that happens at once has had its time since then.
    pub(crate) fn is_late(&self, since: Timestamp) -> bool {
        self.terms.patience.is_none_or(|patience| patience.is_over(since))
    }

    /// Those who hear such a record.
    pub(crate) fn hearers(&self, record: &Record) -> impl Iterator<Item = Service> {
        let name = record.name.as_deref().unwrap_or_default();
        let hears = |manifest: &Manifest| manifest.hearing(&record.topic, name).is_some();
        let all = self.manifests.iter().filter(move |(_, manifest)| hears(manifest));
        all.map(|(service, _)| *service).collect::<Vec<_>>().into_iter()
    }

    /// Whether `service` had taken this event.
    pub(crate) fn has_taken(&self, service: Service, id: EventId) -> bool {
        self.taken.contains(&(service, id))
    }

    /// Looks where the answer of `service` to `cause` about `key` is that is not on its topic.
    pub(crate) fn find(&self, service: Service, cause: &Record, key: &str) -> Found {
        if !self.has_taken(service, cause.id) {
            return Found::Behind;
        }
        let Some(runtime) = self.evidence.books.runtime.get(&service) else {
            return Found::Lost(Layer::Unknown);
        };
        if !runtime.handled.contains_key(&cause.id) {
            return Found::Lost(Layer::Hearing);
        }
        if let Some(owed) = runtime.owed.values().find(|owed| owed.cause == cause.id) {
            return Found::Owed(owed.since);
        }
        let mut timers = timers_of(cause.id, service);
        if let Some(due) = timers.find_map(|timer| runtime.timers.get(&timer)) {
            return Found::Timer(*due);
        }
        let said = self.said.get(&(service, key.to_owned())).copied().unwrap_or_default();
        let decided = runtime.spoken.get(key).copied().unwrap_or_default();
        Found::Lost(if said < decided { Layer::Saying } else { Layer::Deciding })
    }
}

/// All orders if the records are there from the first one on; else those that were placed since
/// then. An OrderPlaced may also repeat an older one, the answers to which are not among the records:
/// ids of version 7 tell that.
fn is_looked_at(since: Option<Timestamp>, id: &str, story: &Story<'_>) -> bool {
    let Some((placed, _)) = &story.placed else { return false };
    let Some(since) = since else { return true };
    since <= placed.append_time && drawn_at(id).is_none_or(|drawn| since.0 - SKEW_MS <= drawn.0)
}

fn taken(
    evidence: &Evidence,
    manifests: &BTreeMap<Service, Manifest>,
) -> BTreeSet<(Service, EventId)> {
    let mut taken = BTreeSet::new();
    for record in evidence.log.events_of_all() {
        let name = record.name.as_deref().unwrap_or_default();
        for (service, manifest) in manifests {
            if manifest.hearing(&record.topic, name).is_some()
                && evidence.progress.has_taken(*service, record)
            {
                taken.insert((*service, record.id));
            }
        }
    }
    taken
}

fn said(once: &[&Record]) -> BTreeMap<(Service, String), i64> {
    let mut said = BTreeMap::new();
    // What starts outside of Kafka, an order over HTTP, has no number.
    let answers = once.iter().filter(|record| record.causation.is_some());
    for record in answers.filter(|record| record.is_on_its_topic()) {
        if let Some(service) = speaker(record) {
            *said.entry((service, record.key_text())).or_default() += 1;
        }
    }
    said
}

/// Which of the services has said a record, by what it says itself.
pub(crate) fn speaker(record: &Record) -> Option<Service> {
    let source = record.source.as_deref()?.strip_prefix('/')?;
    Service::ALL.into_iter().find(|service| service.name() == source)
}
