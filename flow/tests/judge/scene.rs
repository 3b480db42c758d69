//! A log, and what groups have made of it, as data.

use std::collections::BTreeMap;

use choreography::announce::{Offsets, Published};
use choreography::dead_letter::{
    DLQ_ATTEMPT, DLQ_ERROR, DLQ_ERROR_CLASS, DLQ_GROUP, DLQ_ID, DLQ_OFFSET, DLQ_PARTITION,
    DLQ_TIMESTAMP, DLQ_TOPIC,
};
use choreography::manifest::{Answers, Manifest};
use flow::sight::{Positions, Sight};
use flow::story::{Place, Record, Story};
use flow::{Flow, State, judge};
use shared_events::amounts::Timestamp;
use shared_events::event::Event;
use shared_events::headers::{AnswerCount, Envelope};
use shared_events::ids::{EventId, OrderId};
use shared_events::inventory::StockReserved;
use shared_events::logistics::ShipmentPlanned;
use shared_events::orders::{OrderCancelled, OrderCompleted, OrderConfirmed, OrderPlaced};
use uuid::Uuid;

pub(crate) const ORDER: &str = "0199c3f0-7c5e-7d11-8e5f-4b726cea1c55";

/// A log and what groups have made of it.
pub(crate) struct Scene {
    pub(crate) story: Story,
    pub(crate) sight: Sight,
    pub(crate) next: BTreeMap<String, i64>,
    pub(crate) now: i64,
}

/// What a record says of its event.
#[derive(Clone, Copy, Default)]
pub(crate) struct Says {
    pub(crate) id: u8,
    pub(crate) cause: Option<u8>,
    pub(crate) answers: Option<(u32, u32)>,
}

pub(crate) fn id(number: u8) -> EventId {
    EventId(Uuid::from_bytes([number; 16]))
}

pub(crate) fn answer(id: u8, cause: u8) -> Says {
    Says { id, cause: Some(cause), answers: Some((1, 1)) }
}

pub(crate) fn event(id: u8) -> Says {
    Says { id, ..Says::default() }
}

impl Scene {
    /// inventory-svc always answers OrderPlaced, and sometimes OrderCancelled; order-svc hears
    /// StockReserved.
    pub(crate) fn new() -> Self {
        let inventory = Manifest::new("inventory-svc", 1)
            .hears::<OrderPlaced>(Answers::Always)
            .hears::<OrderCancelled>(Answers::Sometimes)
            .says::<StockReserved>();
        let orders = Manifest::new("order-svc", 1)
            .hears::<StockReserved>(Answers::Sometimes)
            .hears::<ShipmentPlanned>(Answers::Sometimes)
            .says::<OrderConfirmed>()
            .says::<OrderCompleted>();
        let manifests = [inventory, orders].map(|manifest| {
            let published = Published::of(&manifest, Offsets::new());
            (published.key(), published)
        });
        let sight = Sight {
            manifests: manifests.into(),
            committed: BTreeMap::new(),
            ends: BTreeMap::new(),
            at: Timestamp(1_000),
        };
        Self { story: Story::default(), sight, next: BTreeMap::new(), now: 1_000 }
    }

    /// Appends, ten milliseconds later; out: its place.
    pub(crate) fn append(&mut self, topic: &str, mut record: Record) -> Place {
        let offset = self.next.entry(topic.to_owned()).or_default();
        self.now += 10;
        record.place =
            Place { topic: topic.to_owned(), partition: 0, offset: *offset, appended_ms: self.now };
        *offset += 1;
        self.sight.at = Timestamp(self.now);
        assert!(self.story.take(ORDER, &record));
        record.place
    }

    pub(crate) fn say<E: Event>(&mut self, by: &str, says: Says) -> Place {
        self.append(E::TOPIC, record::<E>(by, says, vec![]))
    }

    /// A group has taken all that is on a topic.
    pub(crate) fn taken(&mut self, group: &str, topic: &str) {
        let end = self.next.get(topic).copied().unwrap_or_default();
        self.commit(group, topic, end);
    }

    pub(crate) fn commit(&mut self, group: &str, topic: &str, offset: i64) {
        let positions: &mut Positions = self.sight.committed.entry(group.to_owned()).or_default();
        positions.insert((topic.to_owned(), 0), offset);
    }

    pub(crate) fn die(
        &mut self,
        topic: &str,
        origin: &Place,
        dead: EventId,
        attempt: u32,
    ) -> Place {
        let text = |name: &str, value: String| (name.to_owned(), Some(value.into_bytes()));
        let headers = vec![
            text(DLQ_ID, dead.to_string()),
            text(DLQ_GROUP, "inventory-svc".to_owned()),
            text(DLQ_TOPIC, origin.topic.clone()),
            text(DLQ_PARTITION, origin.partition.to_string()),
            text(DLQ_OFFSET, origin.offset.to_string()),
            text(DLQ_TIMESTAMP, origin.appended_ms.to_string()),
            text(DLQ_ERROR_CLASS, "panic".to_owned()),
            text(DLQ_ERROR, "division by zero".to_owned()),
            text(DLQ_ATTEMPT, attempt.to_string()),
        ];
        self.append(topic, Record { key: Some(ORDER.into()), headers, ..Record::default() })
    }

    pub(crate) fn judge(&self) -> Flow {
        judge(ORDER, &self.story, &self.sight)
    }

    pub(crate) fn state(&self, event: u8, group: &str) -> State {
        let flow = self.judge();
        let event = flow.events.iter().find(|e| e.id == id(event)).expect("the event");
        let hearing = event.heard_by.iter().find(|hearing| hearing.group == group);
        hearing.unwrap_or_else(|| panic!("{group} should hear {}", event.name)).state.clone()
    }
}

pub(crate) fn record<E: Event>(by: &str, says: Says, value: Vec<u8>) -> Record {
    let count = says.answers.map(|(index, total)| AnswerCount { index, total });
    let envelope = Envelope {
        id: id(says.id),
        source: format!("/{by}"),
        name: E::NAME.to_owned(),
        time: Timestamp(0),
        subject: ORDER.to_owned(),
        correlation: Some(ORDER.to_owned()),
        causation: says.cause.map(id),
        answers: count,
        sequence: None,
        traceparent: String::new(),
        tracestate: None,
    };
    let (key, value) = (Some(ORDER.into()), Some(value));
    Record { key, headers: envelope.write(), value, ..Record::default() }
}

pub(crate) fn confirmed(answers: &[u8]) -> Vec<u8> {
    let answers = answers.iter().copied().map(id).collect();
    let order_id: OrderId = ORDER.parse().expect("an order id");
    shared_events::codec::encode(&OrderConfirmed { order_id, answers }).expect("bytes")
}
