//! Amounts: integers with their unit in the type. There is no floating point in this project.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A number of pieces, at least 1 and at most [`Quantity::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Quantity(i64);

/// The weight of one piece in grams, at least 0 and at most [`Grams::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Grams(i64);

/// An amount of money in minor units of its currency (cents), at least 0 and at most
/// [`MinorUnits::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MinorUnits(i64);

/// Why a number is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {min} to {max}, not {value}")]
pub struct AmountError {
    what: &'static str,
    min: i64,
    max: i64,
    value: i64,
}

macro_rules! amount {
    ($name:ident, $what:literal, $min:literal, $max:literal) => {
        impl $name {
            /// The largest allowed value. A hundred lines of the largest quantity and weight, or
            /// price, still fit into an `i64`.
            pub const MAX: i64 = $max;

            /// Takes a number, or says which limits it breaks.
            pub fn new(value: i64) -> Result<Self, AmountError> {
                if ($min..=$max).contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(AmountError { what: $what, min: $min, max: $max, value })
                }
            }

            /// The number.
            pub fn get(self) -> i64 {
                self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

amount!(Quantity, "a quantity", 1, 1_000_000);
amount!(Grams, "a weight in grams", 0, 10_000_000);
amount!(MinorUnits, "an amount of money in minor units", 0, 1_000_000_000);

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Avro's `timestamp-millis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time `duration` later; the largest time if there is none.
    #[must_use]
    pub fn after(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}
