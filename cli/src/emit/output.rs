//! How what was said is told.

use serde_json::{Value, json};

use super::Receipt;
use crate::given::events::{Encoded, KnownEvent};
use crate::output::Output;
use crate::terminal::{FAINT, NAME, STRONG, dump, hex};

impl Output {
    /// Where one event stands, and which trace it started.
    pub(super) fn receipt(self, receipt: &Receipt) -> String {
        let Receipt { event, id, topic, key, published } = receipt;
        let trace = format!("{:032x}", u128::from_be_bytes(published.trace.parent.trace_id));
        let (partition, offset) = (published.partition, published.offset);
        match self {
            Self::Text => format!(
                "{STRONG}{event}{STRONG:#}  {topic}/{partition}@{offset}  {FAINT}key{FAINT:#} {key}  \
                 {FAINT}id{FAINT:#} {id}  {FAINT}trace{FAINT:#} {NAME}{trace}{NAME:#}\n"
            ),
            Self::Json => {
                let line = json!({
                    "event": event, "topic": topic, "partition": partition, "offset": offset,
                    "key": key, "id": id, "trace_id": trace,
                });
                format!("{line}\n")
            }
        }
    }

    /// What would have been said.
    ///
    /// # Errors
    /// The bytes cannot be read back.
    pub(super) fn dry_run(
        self,
        event: &KnownEvent,
        topic: &str,
        key: &str,
        encoded: &Encoded,
    ) -> anyhow::Result<String> {
        let Encoded { schema_id, value, .. } = encoded;
        Ok(match self {
            Self::Text => format!(
                "{STRONG}{}{STRONG:#}  {FAINT}topic{FAINT:#} {topic}  {FAINT}key{FAINT:#} {key}  \
                 {FAINT}schema{FAINT:#} {schema_id}\n{}\n{}",
                event.name,
                (event.show)(value, true)?,
                dump(value)
            ),
            Self::Json => {
                let json: Value = serde_json::from_str(&(event.show)(value, false)?)?;
                let line = json!({
                    "event": event.name, "topic": topic, "key": key, "schema_id": schema_id,
                    "value": json, "bytes": hex(value, ""),
                });
                format!("{line}\n")
            }
        })
    }
}
