//! Who an event is, whoever produced it.
//!
//! An id that is derived here is the same in every process and every version of this project: the
//! derivations are frozen, and golden tests pin them. Each is SHA-256 over its name and its parts,
//! each part with its length before it, cut to a UUID of version 8 (RFC 9562). Where the parts know
//! a time, the id's first 48 bits are milliseconds since 1970, as in version 7, so that new rows of
//! an index stand together; nothing else reads that time.

use sha2::{Digest, Sha256};
use uuid::fmt::Hyphenated;
use uuid::{Builder, Uuid};

use crate::amounts::Timestamp;
use crate::ids::EventId;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// When the broker appended it: it tells a topic from one of that name that was deleted.
    pub append_time: Timestamp,
}

/// The identity of an event, whoever produced it: `ce_id` if that is a UUID of 36 characters in any
/// case, else derived from `ce_source` (which may be missing) and `ce_id`, and without `ce_id` from
/// the place of its record.
///
/// An empty `ce_id` and the nil UUID are no id: whoever sends them has none, and taking them for
/// one would make all its events one. 32 hexadecimal digits are no UUID either, as they may be the
/// hash of a content, which another source can have, too.
#[must_use]
pub fn of_event(ce_id: Option<&str>, ce_source: Option<&str>, place: &Place<'_>) -> EventId {
    let Some(id) = ce_id.filter(|id| !id.is_empty()) else { return of_place(place) };
    match Uuid::try_parse(id) {
        Ok(uuid) if uuid.is_nil() => of_place(place),
        Ok(uuid) if id.len() == Hyphenated::LENGTH => EventId(uuid),
        _ => {
            let source = ce_source.unwrap_or_default();
            version_8(first_16(&hash("event", &[source.as_bytes(), id.as_bytes()])))
        }
    }
}

fn of_place(place: &Place<'_>) -> EventId {
    let parts: [&[u8]; 4] = [
        place.topic.as_bytes(),
        &place.partition.to_be_bytes(),
        &place.offset.to_be_bytes(),
        &place.append_time.0.to_be_bytes(),
    ];
    let [_, _, time @ ..] = place.append_time.0.to_be_bytes();
    with_time(time, &hash("place", &parts))
}

/// The identity of something that cannot be decoded: `id` is what it says of itself (or its place),
/// `bytes` is its value. A damaged copy of an event is not that event.
#[must_use]
pub fn of_damaged(id: EventId, bytes: &[u8]) -> EventId {
    with_time(time_of(id), &hash("damaged", &[id.0.as_bytes(), &Sha256::digest(bytes)]))
}

/// The identity of an answer to the event `cause` by `service`. `index` tells apart all that the
/// service says because of that cause, at once or by a timer. Whoever makes the answer again makes
/// this id again.
#[must_use]
pub fn of_answer(cause: EventId, service: &str, index: u32) -> EventId {
    let parts: [&[u8]; 3] = [cause.0.as_bytes(), service.as_bytes(), &index.to_be_bytes()];
    with_time(time_of(cause), &hash("answer", &parts))
}

/// The identity of a dead letter: of the event `dead`, by the consumer group `group`, at the
/// `attempt`-th time that it died there.
#[must_use]
pub fn of_dead_letter(dead: EventId, group: &str, attempt: u32) -> EventId {
    let parts: [&[u8]; 3] = [dead.0.as_bytes(), group.as_bytes(), &attempt.to_be_bytes()];
    with_time(time_of(dead), &hash("dead-letter", &parts))
}

/// The trace id for events about `text` that came without a trace context. Never all zero, which
/// W3C Trace Context forbids.
#[must_use]
pub fn trace_id_of(text: &str) -> [u8; 16] {
    let mut id = first_16(&hash("trace", &[text.as_bytes()]));
    id[15] |= u8::from(id == [0; 16]);
    id
}

/// The span id of the unseen sender of events about `text`, so that a trace that starts here has a
/// parent. Never all zero.
#[must_use]
pub fn span_id_of(text: &str) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = hash("span", &[text.as_bytes()]);
    let mut id = [a, b, c, d, e, f, g, h];
    id[7] |= u8::from(id == [0; 8]);
    id
}

/// The lengths keep apart parts that are the same when written one after the other.
fn hash(name: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = format!("choreography/{name}");
    let mut sha = Sha256::new();
    for part in std::iter::once(&tag.as_bytes()).chain(parts) {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

fn time_of(id: EventId) -> [u8; 6] {
    let [a, b, c, d, e, f, ..] = *id.0.as_bytes();
    [a, b, c, d, e, f]
}

fn with_time(time: [u8; 6], hash: &[u8; 32]) -> EventId {
    let mut bytes = first_16(hash);
    bytes[..6].copy_from_slice(&time);
    version_8(bytes)
}

fn version_8(bytes: [u8; 16]) -> EventId {
    EventId(Builder::from_custom_bytes(bytes).into_uuid())
}

fn first_16(hash: &[u8; 32]) -> [u8; 16] {
    let [id, _] = *hash.as_chunks::<16>().0 else { unreachable!("32 bytes are two times 16") };
    id
}
