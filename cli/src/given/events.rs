//! The events that can be said, by name.

use anyhow::{Context, anyhow};
use serde_json::Value;
use serde_path_to_error::Segment;
use shared_events::codec;
use shared_events::event::Event;
use shared_events::{deliveries, inventory, logistics, orders, sellers};

/// What has to be known of an event to say it.
pub(crate) struct KnownEvent {
    pub(crate) name: &'static str,
    /// The topic that it is said on unless the user wants another.
    pub(crate) topic: &'static str,
    /// The text of its newest schema.
    pub(crate) schema: &'static str,
    pub(crate) encode: fn(&Value) -> anyhow::Result<Encoded>,
    /// The JSON of a record's value; the flag asks for many lines.
    pub(crate) show: fn(&[u8], bool) -> anyhow::Result<String>,
}

/// An event that is ready to be said.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) key: String,
    pub(crate) schema_id: u32,
    pub(crate) value: Vec<u8>,
}

/// A row for each event: its module is named like its topic, and like the folder of its schema.
macro_rules! known {
    ($($topic:ident::$event:ident),+ $(,)?) => {
        &[$(KnownEvent {
            name: $topic::$event::NAME,
            topic: $topic::$event::TOPIC,
            schema: include_str!(concat!(
                "../../../schemas/", stringify!($topic), "/", stringify!($event), ".avsc"
            )),
            encode: encode::<$topic::$event>,
            show: show::<$topic::$event>,
        }),+]
    };
}

/// All of them.
pub(crate) const EVENTS: &[KnownEvent] = known![
    orders::OrderPlaced,
    orders::CancellationRequested,
    orders::OrderDeadlinePassed,
    orders::OrderConfirmed,
    orders::OrderCancelled,
    orders::OrderCompleted,
    inventory::StockReserved,
    inventory::StockRejected,
    inventory::StockReleased,
    logistics::ShipmentPlanned,
    logistics::ShipmentRejected,
    logistics::ShipmentDispatched,
    logistics::ShipmentDelivered,
    logistics::ShipmentCancelled,
    sellers::SellerNotified,
    sellers::SellerDeclined,
    sellers::SellerCancellationNotified,
    deliveries::StockReceived,
];

/// The event of this name.
pub(crate) fn find(name: &str) -> Option<&'static KnownEvent> {
    EVENTS.iter().find(|known| known.name == name)
}

fn encode<E: Event>(json: &Value) -> anyhow::Result<Encoded> {
    let event: E = serde_path_to_error::deserialize(json).map_err(|error| {
        let path: Vec<String> = error.path().iter().map(step).collect();
        anyhow!("{}: {}", path.join("."), error.into_inner())
    })?;
    let value = codec::encode(&event)?;
    Ok(Encoded { key: event.key().to_owned(), schema_id: E::schemas().newest_id(), value })
}

/// As in `--set`.
fn step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => key.clone(),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => "?".to_owned(),
    }
}

/// From the bytes, so that it shows what a reader gets.
fn show<E: Event>(value: &[u8], on_many_lines: bool) -> anyhow::Result<String> {
    let event: E = codec::decode(value)?;
    let text = if on_many_lines {
        serde_json::to_string_pretty(&event)
    } else {
        serde_json::to_string(&event)
    };
    text.with_context(|| E::NAME)
}
