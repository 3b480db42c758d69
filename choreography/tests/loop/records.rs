//! Events as a producer makes them, and records as a reader sees them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use choreography::Event;
use shared_events::amounts::Timestamp;
use shared_events::headers::{Envelope, RawHeaders, Received};
use shared_events::identity::Place;
use shared_events::ids::EventId;
use shared_events::orders::{Address, OrderCancelled, OrderLine, OrderPlaced};
use uuid::Uuid;

/// A record that was read from a topic.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: RawHeaders,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().rev().find(|(header, _)| header == name)?;
        String::from_utf8(value.clone()?).ok()
    }

    pub(crate) fn received(&self) -> Received<'_> {
        Received::read(&self.headers)
    }

    pub(crate) fn id(&self) -> String {
        self.received().id.expect("ce_id").to_owned()
    }

    /// The order that it is about.
    pub(crate) fn order(&self) -> &str {
        self.received().subject.expect("ce_subject")
    }

    pub(crate) fn place(&self) -> Place<'_> {
        let append_time = Timestamp(self.timestamp);
        Place { topic: &self.topic, partition: self.partition, offset: self.offset, append_time }
    }
}

/// How many different events there are, after a look at what must hold always: copies of an event
/// are the same bytes, and the first occurrences about a key stand in the order of their sequence,
/// without a gap.
pub(crate) fn check(seen: &[Seen]) -> usize {
    let mut first: HashMap<String, &Seen> = HashMap::new();
    let mut last: HashMap<&str, u64> = HashMap::new();
    for record in seen {
        match first.get(&record.id()) {
            Some(first) => {
                assert_eq!((&first.value, &first.headers), (&record.value, &record.headers));
            }
            None => {
                let sequence = record.received().sequence.expect("ce_sequence");
                let before = last.insert(record.order(), sequence).unwrap_or_default();
                assert_eq!(sequence, before + 1, "of {}", record.order());
                first.insert(record.id(), record);
            }
        }
    }
    first.len()
}

/// The orders that the records are about, sorted, each once.
pub(crate) fn orders(seen: &[Seen]) -> Vec<&str> {
    let orders: HashSet<&str> = seen.iter().map(Seen::order).collect();
    let mut orders: Vec<&str> = orders.into_iter().collect();
    orders.sort_unstable();
    orders
}

pub(crate) fn envelope<E: Event>(event: &E, id: EventId) -> RawHeaders {
    Envelope {
        id,
        source: "/test".to_owned(),
        name: E::NAME.to_owned(),
        time: Timestamp(0),
        subject: event.key().to_owned(),
        correlation: Some(event.key().to_owned()),
        causation: None,
        answers: None,
        sequence: None,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        tracestate: None,
    }
    .write()
}

/// An order. What the counter does with it is in `currency`.
pub(crate) fn order(id: &str, currency: &str) -> OrderPlaced {
    let text = |text: &str| text.to_owned();
    OrderPlaced {
        order_id: id.parse().expect("an id"),
        currency: text(currency),
        lines: Vec::<OrderLine>::new(),
        ship_to: Address {
            name: text("Ada"),
            street: text("Main Street 1"),
            postal_code: text("1000"),
            city: text("Town"),
            country: text("DE"),
        },
    }
}

pub(crate) fn cancelled(id: &str) -> OrderCancelled {
    OrderCancelled { order_id: id.parse().expect("an id"), reasons: vec![] }
}

/// An id that no other event of this process has.
pub(crate) fn fresh() -> EventId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    EventId(Uuid::from_u128((0x8_u128 << 76) | number))
}
