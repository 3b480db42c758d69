//! The one place where the time of the machine is read and new ids are drawn.

use std::time::{SystemTime, UNIX_EPOCH};

use shared_events::amounts::Timestamp;
use shared_events::ids::EventId;
use uuid::Uuid;

/// The time of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the place where time is read")]
pub fn system_time() -> SystemTime {
    SystemTime::now()
}

/// The time of this machine, in milliseconds since 1970.
pub fn now() -> Timestamp {
    let since = system_time().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A new id for an event that answers nothing: RFC 9562 version 7, so that it tells its time.
#[expect(clippy::disallowed_methods, reason = "this is the place where ids are drawn")]
pub fn new_event_id() -> EventId {
    EventId(Uuid::now_v7())
}
