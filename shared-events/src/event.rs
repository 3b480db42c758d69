//! What every event has.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::codec::Schemas;

/// Something that happened, as it stands in the value of a record. Implement it with [`event!`].
///
/// [`event!`]: crate::event!
pub trait Event: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// The event's name, in past tense: `ce_type`, and the name of its Avro record.
    const NAME: &'static str;

    /// The topic that it is said on.
    const TOPIC: &'static str;

    /// The record's key: what the event is about. Events with one key are in order.
    fn key(&self) -> &str;

    /// The schemas of all versions of this event, the one that is written first.
    fn schemas() -> &'static Schemas;
}

/// Implements [`Event`] for a struct, the name of which is the event's name.
///
/// In: the struct, its topic, the field that is its key, and the texts of its schemas. The first is
/// the one that is written, and that the struct fits; the others are read, be they older or still to
/// be written. A schema that does not parse panics at its first use; a test uses each.
///
/// ```
/// # mod example {
/// use serde::{Deserialize, Serialize};
/// use shared_events::ids::OrderId;
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// pub struct PointsAwarded { pub order_id: OrderId, pub points: i64 }
///
/// shared_events::event!(PointsAwarded on "loyalty" about order_id, [r#"{
///     "type": "record", "name": "PointsAwarded", "namespace": "choreography.loyalty",
///     "fields": [{"name": "order_id", "type": "string"}, {"name": "points", "type": "long"}]
/// }"#]);
/// # }
/// ```
#[macro_export]
macro_rules! event {
    ($name:ident on $topic:literal about $key:ident, [$($schema:expr),+ $(,)?]) => {
        impl $crate::event::Event for $name {
            const NAME: &'static str = stringify!($name);
            const TOPIC: &'static str = $topic;

            fn key(&self) -> &str {
                self.$key.as_str()
            }

            fn schemas() -> &'static $crate::codec::Schemas {
                static SCHEMAS: ::std::sync::LazyLock<$crate::codec::Schemas> =
                    ::std::sync::LazyLock::new(|| $crate::codec::Schemas::parse(&[$($schema),+]));
                &SCHEMAS
            }
        }
    };
}
