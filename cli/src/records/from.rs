//! `--from`: where to begin.

use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, bail};
use choreography::clock;
use shared_events::ids::drawn_at;

/// Where to begin in each partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Beginning,
    End,
    /// This offset, or the nearest one that there is.
    Offset(i64),
    /// So many records before the end.
    Last(i64),
    /// The first record of this time or later, in milliseconds since 1970.
    Time(i64),
    /// The first record that is at most so old.
    Ago(Duration),
}

impl FromStr for From {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        // kcat writes s@ for the time to start at.
        if let Some(time) = text.strip_prefix('@').or(text.strip_prefix("s@")) {
            return parse_time(time);
        }
        match text {
            "beginning" | "start" | "earliest" | "oldest" => return Ok(Self::Beginning),
            "end" | "latest" | "newest" => return Ok(Self::End),
            _ => {}
        }
        let parsed = match text.strip_prefix('-') {
            Some(count) => digits(count).map(Self::Last),
            None => digits(text).map(Self::Offset),
        };
        parsed
            .context("beginning, end, an offset, -NUMBER or @TIME is needed, such as -10 or @-15m")
    }
}

impl From {
    /// Some minutes before an order's id was drawn, if the id tells when that was: clocks differ.
    pub(crate) fn order(id: &str) -> Option<Self> {
        const MARGIN_MS: i64 = 5 * 60 * 1000;
        drawn_at(id).map(|drawn| Self::Time((drawn.0 - MARGIN_MS).max(0)))
    }

    /// A time that is so long ago as a time.
    pub(crate) fn absolute(self) -> Self {
        match self {
            Self::Ago(ago) => {
                let ms = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                Self::Time(clock::now().0.saturating_sub(ms).max(0))
            }
            other => other,
        }
    }
}

/// Digits and nothing else: Rust's own parsing takes a sign, too.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// From so many digits on, Unix time is in milliseconds.
const MILLISECONDS_DIGITS: usize = 12;

fn parse_time(text: &str) -> anyhow::Result<From> {
    if let Some(ago) = text.strip_prefix('-') {
        return Ok(From::Ago(humantime::parse_duration(ago).context("@-DURATION, such as @-15m")?));
    }
    if let Some(number) = digits(text) {
        let is_ms = MILLISECONDS_DIGITS <= text.len();
        return Ok(From::Time(if is_ms { number } else { number.saturating_mul(1000) }));
    }
    let midnight = format!("{text}T00:00:00");
    let time = [text, &midnight].iter().find_map(|t| humantime::parse_rfc3339_weak(t).ok());
    let Some(since) = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()) else {
        bail!("a time is @2026-11-23, @2026-11-23T16:00:00 (UTC), Unix time, or ago: @-15m");
    };
    Ok(From::Time(i64::try_from(since.as_millis())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kcat_rpk_and_kaf_take_is_understood() {
        let table = [
            ("beginning", From::Beginning),
            ("start", From::Beginning),
            ("earliest", From::Beginning),
            ("oldest", From::Beginning),
            ("end", From::End),
            ("latest", From::End),
            ("newest", From::End),
            ("0", From::Offset(0)),
            ("42", From::Offset(42)),
            ("-1", From::Last(1)),
            ("-100", From::Last(100)),
            ("@0", From::Time(0)),
            ("@1795536000", From::Time(1_795_536_000_000)),
            ("@1795536000123", From::Time(1_795_536_000_123)),
            ("s@1795536000123", From::Time(1_795_536_000_123)),
            ("@1970-01-02", From::Time(86_400_000)),
            ("@1970-01-02T00:00:01Z", From::Time(86_401_000)),
            ("@1970-01-02T00:00:01.250", From::Time(86_401_250)),
            ("@1970-01-02 00:00:01", From::Time(86_401_000)),
            ("@-15m", From::Ago(Duration::from_secs(900))),
            ("@-1h30m", From::Ago(Duration::from_secs(5400))),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<From>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let table = [
            "",
            "-",
            "+1",
            "--1",
            "1-",
            "begin",
            "99999999999999999999",
            "@",
            "@-",
            "@soon",
            "@1969-12-31",
        ];
        for text in table {
            assert!(text.parse::<From>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_orders_id_tells_when_it_was_drawn() {
        // 0x019a_1234_5678 ms, less five minutes.
        let id = "019a1234-5678-7abc-8def-0123456789ab";
        assert_eq!(From::order(id), Some(From::Time(0x019a_1234_5678 - 300_000)));
        for other in ["42", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", ""] {
            assert_eq!(From::order(other), None, "{other}");
        }
    }
}
