//! One look at the database for all open streams.
//!
//! Another instance may handle the events of an order, so a stream has to look where all of them
//! write. Whoever comes when the last look is old looks for all; whoever comes meanwhile waits for
//! that look. So the database is asked once in an interval, whatever the number of streams, and
//! never when there is none.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use choreography::db::{Database, DbResult};
use tokio::time::Instant;

use super::summary::{self, Found};

/// How old a look may be.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// The shared looks.
pub(super) struct Looks {
    db: Database,
    /// The orders that are wanted, and by how many.
    wanted: Mutex<BTreeMap<String, usize>>,
    last: tokio::sync::Mutex<Option<Look>>,
}

/// What was seen at one time.
#[derive(Clone)]
struct Look {
    at: Instant,
    orders: Arc<HashMap<String, Found>>,
}

/// One stream's share in the looks, for as long as it lives.
pub(super) struct Share {
    looks: Arc<Looks>,
    id: String,
}

impl Looks {
    pub(super) fn new(db: Database) -> Self {
        Self { db, wanted: Mutex::default(), last: tokio::sync::Mutex::default() }
    }

    /// Has the order with this id in the looks that follow.
    pub(super) fn share(self: &Arc<Self>, id: &str) -> Share {
        *self.wanted().entry(id.to_owned()).or_default() += 1;
        Share { looks: Arc::clone(self), id: id.to_owned() }
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        // A panic cannot leave the numbers half changed.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self) -> DbResult<Arc<HashMap<String, Found>>> {
        let mut last = self.last.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < EVERY) {
            return Ok(Arc::clone(&look.orders));
        }
        let ids: Vec<String> = self.wanted().keys().cloned().collect();
        let mut db = self.db.begin_read().await?;
        let found = summary::load(&mut db, ids).await?;
        db.rollback().await?;
        let orders = found.into_iter().map(|found| (found.id.clone(), found)).collect();
        let look = Look { at: Instant::now(), orders: Arc::new(orders) };
        let orders = Arc::clone(&look.orders);
        *last = Some(look);
        Ok(orders)
    }
}

impl Share {
    /// Looks, or takes the look of another stream. `see` gets the order; `None`: it was not heard
    /// of, or was not wanted yet when that look was taken.
    pub(super) async fn look<T>(&self, see: impl FnOnce(Option<&Found>) -> T) -> DbResult<T> {
        let orders = self.looks.look().await?;
        Ok(see(orders.get(&self.id)))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut wanted = self.looks.wanted();
        if let Some(count) = wanted.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                wanted.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_streams_share_one_look_and_each_interval_has_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/orders.db", folder.path().display());
        let db = Database::connect(&url).await.expect("a database");
        db.migrate(&crate::migrations()).await.expect("tables");
        let looks = Arc::new(Looks::new(db));
        let shares: Vec<_> = (0..50).map(|n| looks.share(&format!("order-{}", n % 7))).collect();
        let look = || async {
            let all = shares.iter().map(|share| share.looks.look());
            futures::future::try_join_all(all).await.expect("a look")
        };
        let first = look().await;
        assert!(first.iter().all(|other| Arc::ptr_eq(other, &first[0])));
        tokio::time::sleep(EVERY).await;
        let second = look().await;
        assert!(second.iter().all(|other| Arc::ptr_eq(other, &second[0])));
        assert!(!Arc::ptr_eq(&first[0], &second[0]));
        assert_eq!(looks.wanted().len(), 7);
        drop(shares);
        assert_eq!(looks.wanted().len(), 0, "nobody wants anything now");
    }
}
