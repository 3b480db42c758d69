//! Times for people.

use std::time::{Duration, UNIX_EPOCH};

use shared_events::amounts::Timestamp;

/// As RFC 3339 says, in UTC; as a number what is out of its range.
pub(crate) fn shown(time: Timestamp) -> String {
    // The library refuses what is later than the year 9999.
    const LAST_MS: u64 = 253_402_300_799_999;
    match u64::try_from(time.0) {
        Ok(ms @ 0..=LAST_MS) => {
            let time = UNIX_EPOCH + Duration::from_millis(ms);
            humantime::format_rfc3339_millis(time).to_string()
        }
        Ok(_) | Err(_) => format!("{} ms", time.0),
    }
}
