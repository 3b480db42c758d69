//! What the services have in their databases.

use checker::books::Rows;
pub use checker::books::{Books, Owed, Runtime};

use crate::databases::Databases;
use crate::service::Service;

/// Reads all rows of all databases.
///
/// # Panics
/// They cannot be read.
#[must_use]
pub fn read(databases: &Databases) -> Books {
    let mut books = Books::default();
    for service in Service::ALL {
        databases.read(service, async |tx| books.add(service, tx, &Rows::All).await);
    }
    books
}
