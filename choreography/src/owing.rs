//! What is owed and comes back with no record: at start, at each assignment, and when it is old.

use uuid::Uuid;

use crate::db::{Database, DbResult, Input, Transaction};
use crate::handle::{OwedRow, forget, read};
use crate::record::Owed;

/// At most this many bytes are loaded, and said, at once; one record may have more. (A page has 500
/// records at most.)
const PAGE_BYTES: i64 = 4 << 20;

/// Where the next page begins: after this key and sequence, then after this id among the rows
/// without a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    key: Option<String>,
    sequence: i64,
    dead: Option<Uuid>,
}

/// How much waits, as far as it is counted: up to 10,001 rows of each, as it is asked often.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backlog {
    /// Rows of `owed`.
    pub(crate) count: i64,
    /// Age of the oldest of those counted in milliseconds, by the database's time.
    pub(crate) oldest_ms: i64,
    /// Rows of `timers`.
    pub(crate) timers: i64,
}

/// Counts what waits.
pub(crate) async fn backlog(db: &Database) -> DbResult<Backlog> {
    const BACKLOG: &str = "SELECT COUNT(*), COALESCE(now_ms() - MIN(since), 0),
        (SELECT COUNT(*) FROM (SELECT id FROM timers LIMIT 10001) AS waiting)
        FROM (SELECT since FROM owed LIMIT 10001) AS counted";
    let mut db = db.begin_read().await?;
    let rows: Vec<(i64, i64, i64)> = db.fetch(BACKLOG, Input::new()).await?;
    db.rollback().await?;
    let backlog = |(count, oldest_ms, timers): &_| Backlog {
        count: *count,
        oldest_ms: *oldest_ms,
        timers: *timers,
    };
    Ok(rows.first().map_or(Backlog::default(), backlog))
}

/// One page of what is owed about keys, and to causes, that have been owed something for at least
/// `age_ms`: by key and sequence, dead letters last. `None` when there is nothing more.
pub(crate) async fn page(
    db: &Database,
    age_ms: i64,
    after: &Page,
) -> DbResult<Option<(Vec<Owed>, Page)>> {
    // All of a key, not only what is old: nothing of it may be said before what is owed longer.
    const KEYS: &str = "SELECT id, key, sequence, CAST(length(record) AS BIGINT) FROM owed
        WHERE key IN (SELECT key FROM owed WHERE since <= now_ms() - (SELECT age FROM input))
          AND (key > (SELECT key FROM input)
               OR key = (SELECT key FROM input) AND sequence > (SELECT sequence FROM input))
        ORDER BY key, sequence LIMIT 500";
    const DEAD: &str = "SELECT id, key, sequence, CAST(length(record) AS BIGINT) FROM owed
        WHERE key IS NULL AND since <= now_ms() - (SELECT age FROM input)
          AND id > (SELECT id FROM input)
        ORDER BY id LIMIT 500";
    let mut db = db.begin_read().await?;
    let mut places: Vec<Place> = vec![];
    if after.dead.is_none() {
        let input = Input::new()
            .int("age", [age_ms])
            .text("key", [after.key.clone().unwrap_or_default()])
            .int("sequence", [after.sequence]);
        places = db.fetch(KEYS, input).await?;
    }
    if places.is_empty() {
        let after = after.dead.unwrap_or_else(Uuid::nil);
        places = db.fetch(DEAD, Input::new().int("age", [age_ms]).id("id", [after])).await?;
    }
    let places = limited(places);
    let owed = load(&mut db, places.iter().map(|(id, ..)| *id)).await?;
    db.rollback().await?;
    // Not by what was loaded: some of that may be gone, and yet more may follow.
    Ok(places.into_iter().next_back().map(|last| (owed, Page::behind(last))))
}

/// Where a row of `owed` stands, and how large its record is.
type Place = (Uuid, Option<String>, Option<i64>, i64);

/// As many as may be in memory at once.
fn limited(mut places: Vec<Place>) -> Vec<Place> {
    let mut bytes = 0;
    let mut small = 0;
    for (.., size) in &places {
        bytes += size;
        if 0 < small && PAGE_BYTES < bytes {
            break;
        }
        small += 1;
    }
    places.truncate(small);
    places
}

impl Page {
    fn behind((id, key, sequence, _): Place) -> Self {
        let dead = key.is_none().then_some(id);
        Self { key, sequence: sequence.unwrap_or_default(), dead }
    }
}

/// Loads rows by their ids. Some may be gone by now.
async fn load(db: &mut Transaction, ids: impl Iterator<Item = Uuid>) -> DbResult<Vec<Owed>> {
    const LOAD: &str = "SELECT id, cause, key, sequence, record FROM owed
        WHERE id IN (SELECT id FROM input) ORDER BY key, sequence, id";
    let rows = db.fetch::<OwedRow>(LOAD, Input::new().id("id", ids)).await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Forgets what Kafka has acknowledged, in a transaction of its own: when no batch comes that would
/// do it.
pub(crate) async fn forget_now(db: &Database, acknowledged: &[Uuid]) -> DbResult<()> {
    if acknowledged.is_empty() {
        return Ok(());
    }
    let mut db = db.begin().await?;
    forget(&mut db, acknowledged).await?;
    db.commit().await
}

/// Deletes some of the ids that no event can come again for. Those that are or were dead are kept
/// for `dead_ms` more. Out: how many went.
pub(crate) async fn prune(db: &Database, window_ms: i64, dead_ms: i64) -> DbResult<usize> {
    const PRUNE: &str = "DELETE FROM handled WHERE id IN (SELECT id FROM handled
        WHERE heard_at < now_ms() - (SELECT keep FROM input)
          AND (dead = 0 OR heard_at < now_ms() - (SELECT keep + dead_keep FROM input))
        ORDER BY heard_at LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING id";
    let mut db = db.begin().await?;
    let input = Input::new().int("keep", [window_ms]).int("dead_keep", [dead_ms]);
    let pruned: Vec<(Uuid,)> = db.fetch(PRUNE, input).await?;
    db.commit().await?;
    Ok(pruned.len())
}

/// Whether this service has never handled an event.
pub(crate) async fn nothing_handled(db: &Database) -> DbResult<bool> {
    let mut db = db.begin_read().await?;
    let rows: Vec<(i64,)> = db.fetch("SELECT dead FROM handled LIMIT 1", Input::new()).await?;
    db.rollback().await?;
    Ok(rows.is_empty())
}
