//! Idempotency keys: whoever comes again with a key gets the order of the first time.

use axum::http::HeaderMap;
use choreography::app::Access;
use choreography::crash_point;
use choreography::db::{DbResult, Input};

use super::kinds::Kind;
use super::problem::Problem;

/// The longest Idempotency-Key, in characters.
const KEY_CHARS_MAX: usize = 128;

/// The key of a request, if it has one.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const NAME: &str = "Idempotency-Key";
    let mut keys = headers.get_all(NAME).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let wrong = |detail| Err(Problem::new(Kind::InvalidHeader, detail).field(NAME));
    if keys.next().is_some() {
        return wrong("the header is there twice; send it once".to_owned());
    }
    match key.to_str() {
        Ok(key) if (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(visible) => {
            Ok(Some(key.to_owned()))
        }
        _ => {
            wrong(format!("must be 1 to {KEY_CHARS_MAX} visible ASCII characters, without spaces"))
        }
    }
}

fn visible(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// The order of this key: the given one, if no request before had the key. `hash` is of what is
/// asked for.
pub(super) async fn remembered(
    access: &Access,
    key: &str,
    order_id: &str,
    hash: Vec<u8>,
) -> Result<String, Problem> {
    // Nothing is published yet, so a fault here leaves no order behind.
    let (first, first_hash) =
        insert_or_read(access, key, order_id, &hash).await.map_err(Problem::database)?;
    if first_hash == hash {
        return Ok(first);
    }
    let detail = "this Idempotency-Key was used for another order; use a new one";
    Err(Problem::new(Kind::KeyReused, detail).field("Idempotency-Key").order(first))
}

async fn insert_or_read(
    access: &Access,
    key: &str,
    order_id: &str,
    hash: &[u8],
) -> DbResult<(String, Vec<u8>)> {
    const FORGET: &str = "DELETE FROM requests WHERE key IN (SELECT key FROM requests
        WHERE asked_at < now_ms() - 86400000 ORDER BY asked_at LIMIT 100 FOR UPDATE SKIP LOCKED)";
    const INSERT: &str = "INSERT INTO requests (key, order_id, body_hash, asked_at)
        SELECT key, order_id, body_hash, now_ms() FROM input WHERE true ON CONFLICT (key) DO NOTHING";
    const READ: &str =
        "SELECT order_id, body_hash FROM requests WHERE key IN (SELECT key FROM input)";
    let mut db = access.db.begin().await?;
    db.execute(FORGET, Input::new()).await?;
    let input = Input::new().text("key", [key.to_owned()]).text("order_id", [order_id.to_owned()]);
    db.execute(INSERT, input.bytes("body_hash", [hash.to_vec()])).await?;
    let rows: Vec<(String, Vec<u8>)> =
        db.fetch(READ, Input::new().text("key", [key.to_owned()])).await?;
    db.commit().await?;
    crash_point!(Request KeyKept);
    Ok(rows.into_iter().next().unwrap_or_else(|| (order_id.to_owned(), hash.to_vec())))
}
