//! What any bytes may do to who reads an event: nothing. Whatever the headers and the value of a record are,
//! reading them ends soon, does not panic, and takes little memory; and what is read as an event is one
//! that can be said again.
//!
//! `fuzz/run` looks for bytes that do more, beginning with those in `corpus/`; `cargo test` tries those in
//! `corpus/` only, and what is found once stays there.

mod record;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use apache_avro::Schema;
use peak_alloc::PeakAlloc;
use shared_events::amounts::Timestamp;
use shared_events::codec::{decode, decode_with_writer, encode, writer_id};
use shared_events::event::Event;
use shared_events::headers::Received;
use shared_events::identity::{self, Place};
use shared_events::ids::ID_BYTES_MAX;

use record::Record;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// So much memory whatever a record is like, in bytes: a length that is only claimed may cost a mebibyte.
const BYTES_MAX: usize = 4 << 20;

/// So much more for each byte of the record. The smallest item of a list has two, and an address of its
/// own for each text in it.
const BYTES_MAX_PER_BYTE: usize = 64;

/// From so many bytes on a list may have too many items to be resolved.
const LONG: usize = 16 << 10;

/// No record takes longer, not even in a build that is not optimized, on a machine that is busy.
const TIME_MAX: Duration = Duration::from_secs(20);

/// Reads a record as each event. In: its headers as lines `name: value`, an empty line, its value. Out: the
/// names of the events that it is.
///
/// # Panics
/// It takes more than it may, or what was read cannot be said again.
pub fn check(input: &[u8]) -> Vec<&'static str> {
    let record = Record::of(input);
    ALLOCATED.reset_peak_usage();
    let (before, began) = (ALLOCATED.current_usage(), Instant::now());
    read_headers(&record);
    let events = read_value(&record.value);
    let used = ALLOCATED.peak_usage().saturating_sub(before);
    let allowed = BYTES_MAX + BYTES_MAX_PER_BYTE * input.len();
    assert!(used <= allowed, "{} bytes take {used} bytes of memory, not {allowed}", input.len());
    assert!(began.elapsed() < TIME_MAX, "{} bytes take {:?}", input.len(), began.elapsed());
    events
}

/// Who the event is, and in which trace.
fn read_headers(record: &Record) {
    let received = Received::read(&record.headers);
    let append_time = Timestamp(1_700_000_000_000);
    let place = Place { topic: "orders", partition: 0, offset: 7, append_time };
    let id = identity::of_event(received.id, received.source, &place);
    assert_eq!(id, identity::of_event(received.id, received.source, &place));
    assert_ne!(identity::of_damaged(id, &record.value), id);
    let texts =
        [received.id, received.source, received.name, received.subject, received.correlation];
    for text in texts.into_iter().flatten() {
        assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
    }
    match received.trace_context() {
        Some(context) => assert_eq!(context.to_string().parse(), Ok(context)),
        None => assert_eq!(received.tracestate, None),
    }
}

/// Tries all events of the project.
fn read_value(value: &[u8]) -> Vec<&'static str> {
    let mut events = vec![];
    macro_rules! each {
        ($($topic:ident: $($event:ident),+;)+) => {$($(
            static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
                let text = include_str!(concat!(
                    "../../schemas/", stringify!($topic), "/", stringify!($event), ".avsc"
                ));
                Schema::parse_str(text).expect("a schema")
            });
            read_as::<shared_events::$topic::$event>(value, &SCHEMA, &mut events);
        )+)+};
    }
    macro_rules! all {
        ($($topic:ident: $($event:ident),+;)+) => {$($({
            each! { $topic: $event; }
        })+)+};
    }
    all! {
        orders: OrderPlaced, CancellationRequested, OrderDeadlinePassed, OrderConfirmed,
            OrderCancelled, OrderCompleted;
        inventory: StockReserved, StockRejected, StockReleased;
        logistics: ShipmentPlanned, ShipmentRejected, ShipmentDispatched, ShipmentDelivered,
            ShipmentCancelled;
        sellers: SellerNotified, SellerDeclined, SellerCancellationNotified;
        deliveries: StockReceived;
    }
    events
}

fn read_as<E: Event + PartialEq>(value: &[u8], schema: &Schema, events: &mut Vec<&'static str>) {
    let read = decode::<E>(value);
    if writer_id(value).is_ok_and(|id| E::schemas().knows(id)) {
        // The way of a version that is not the one that is written. There the library limits the memory of
        // a list, not only what it claims, so that a list of many thousand items is refused.
        let resolved = decode_with_writer::<E>(value, schema);
        let both = read.is_ok() == resolved.is_ok() || LONG <= value.len() && resolved.is_err();
        assert!(both, "{}: {:?}, {:?}", E::NAME, read.as_ref().err(), resolved.as_ref().err());
        if let (Ok(one), Ok(other)) = (&read, &resolved) {
            assert!(one == other, "two {} from the same bytes", E::NAME);
        }
    }
    let Ok(event) = read else { return };
    assert!((1..=ID_BYTES_MAX).contains(&event.key().len()), "{}", event.key());
    let again = encode(&event).expect("what was read fits its schema");
    assert!(decode::<E>(&again).as_ref() == Ok(&event), "{} does not come back", E::NAME);
    events.push(E::NAME);
}
