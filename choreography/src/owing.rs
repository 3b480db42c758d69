//! What is owed and comes back with no record: at start, at each assignment, and when it is old.

use uuid::Uuid;

use crate::db::{Database, DbResult, Input, Transaction};
use crate::handle::{OwedRow, forget, read};
use crate::record::Owed;

/// At most this many records are loaded, and said, at once.
const PAGE: usize = 500;

/// Where the next page begins: after this key and sequence, then after this id among the rows
/// without a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    key: Option<String>,
    sequence: i64,
    dead: Option<Uuid>,
}

/// How much is owed, and since when the oldest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backlog {
    /// Rows.
    pub(crate) count: i64,
    /// Age of the oldest in milliseconds, by the database's time.
    pub(crate) oldest_ms: i64,
}

/// Counts what is owed.
pub(crate) async fn backlog(db: &Database) -> DbResult<Backlog> {
    const BACKLOG: &str = "SELECT COUNT(*), COALESCE(now_ms() - MIN(since), 0) FROM owed";
    let mut db = db.begin_read().await?;
    let rows: Vec<(i64, i64)> = db.fetch(BACKLOG, Input::new()).await?;
    db.rollback().await?;
    Ok(rows.first().map_or(Backlog::default(), |(count, oldest_ms)| Backlog {
        count: *count,
        oldest_ms: *oldest_ms,
    }))
}

/// One page of what is owed about keys, and to causes, that have been owed something for at least
/// `age_ms`: by key and sequence, dead letters last. `None` when there is nothing more.
pub(crate) async fn page(
    db: &Database,
    age_ms: i64,
    after: &Page,
) -> DbResult<Option<(Vec<Owed>, Page)>> {
    // All of a key, not only what is old: nothing of it may be said before what is owed longer.
    const KEYS: &str = "SELECT id, cause, key, sequence, record FROM owed
        WHERE key IN (SELECT key FROM owed WHERE since <= now_ms() - (SELECT age FROM input))
          AND (key > (SELECT key FROM input)
               OR key = (SELECT key FROM input) AND sequence > (SELECT sequence FROM input))
        ORDER BY key, sequence LIMIT 500";
    const DEAD: &str = "SELECT id, cause, key, sequence, record FROM owed
        WHERE key IS NULL AND since <= now_ms() - (SELECT age FROM input)
          AND id > (SELECT id FROM input)
        ORDER BY id LIMIT 500";
    let mut db = db.begin_read().await?;
    if after.dead.is_none() {
        let input = Input::new()
            .int("age", [age_ms])
            .text("key", [after.key.clone().unwrap_or_default()])
            .int("sequence", [after.sequence]);
        let owed = load(&mut db, KEYS, input).await?;
        if let Some(last) = owed.last() {
            let next = Page {
                key: last.key.clone(),
                sequence: last.sequence.unwrap_or_default(),
                dead: None,
            };
            db.rollback().await?;
            return Ok(Some((owed, next)));
        }
    }
    let after = after.dead.unwrap_or_else(Uuid::nil);
    let owed = load(&mut db, DEAD, Input::new().int("age", [age_ms]).id("id", [after])).await?;
    db.rollback().await?;
    let next = owed.last().map(|last| Page { dead: Some(last.id), ..Page::default() });
    Ok(next.map(|next| (owed, next)))
}

async fn load(db: &mut Transaction, sql: &'static str, input: Input) -> DbResult<Vec<Owed>> {
    let rows = db.fetch::<OwedRow>(sql, input).await?;
    debug_assert!(rows.len() <= PAGE);
    rows.into_iter().map(read).collect()
}

/// Forgets what Kafka has acknowledged, in a transaction of its own: when no batch comes that would
/// do it.
pub(crate) async fn forget_now(db: &Database, acknowledged: &[Uuid]) -> DbResult<()> {
    let mut db = db.begin().await?;
    forget(&mut db, acknowledged).await?;
    db.commit().await
}

/// Deletes some of the ids that no event can come again for. Those that are or were dead are kept
/// for `dead_ms` more. Out: how many went.
pub(crate) async fn prune(db: &Database, window_ms: i64, dead_ms: i64) -> DbResult<u64> {
    const PRUNE: &str = "DELETE FROM handled WHERE id IN (SELECT id FROM handled
        WHERE heard_at < (SELECT now - keep FROM input)
          AND (dead = 0 OR heard_at < (SELECT now - keep - dead_keep FROM input))
        ORDER BY heard_at LIMIT 1000 FOR UPDATE SKIP LOCKED)";
    let mut db = db.begin().await?;
    let input = Input::new()
        .int("now", [crate::clock::now().0])
        .int("keep", [window_ms])
        .int("dead_keep", [dead_ms]);
    let pruned = db.execute(PRUNE, input).await?;
    db.commit().await?;
    Ok(pruned)
}

/// Whether this service has never handled an event.
pub(crate) async fn nothing_handled(db: &Database) -> DbResult<bool> {
    let mut db = db.begin_read().await?;
    let rows: Vec<(i64,)> = db.fetch("SELECT dead FROM handled LIMIT 1", Input::new()).await?;
    db.rollback().await?;
    Ok(rows.is_empty())
}
