//! Rows, as both databases give them.

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, FromRow, Sqlite, Type};
use tokio_postgres::Error;
use tokio_postgres::types::FromSql;

/// A row that both databases can give: a tuple of `String`, `i64`, `Uuid`, `Vec<u8>`, and options
/// of these.
pub trait Row: FromPgRow + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}
impl<T: FromPgRow + for<'r> FromRow<'r, SqliteRow> + Send + Unpin> Row for T {}

/// A tuple from a row of PostgreSQL.
pub trait FromPgRow: Sized {
    /// Reads the columns in their order.
    ///
    /// # Errors
    /// A column has another type.
    fn from_pg_row(row: &tokio_postgres::Row) -> Result<Self, Error>;
}

/// What both databases have as a column.
pub trait Column: for<'a> FromSql<'a> + for<'r> Decode<'r, Sqlite> + Type<Sqlite> {}
impl<T: for<'a> FromSql<'a> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>> Column for T {}

macro_rules! from_pg_row {
    ($($column:ident $place:tt),+) => {
        impl<$($column: Column),+> FromPgRow for ($($column,)+) {
            fn from_pg_row(row: &tokio_postgres::Row) -> Result<Self, Error> {
                Ok(($(row.try_get::<_, $column>($place)?,)+))
            }
        }
    };
}

from_pg_row!(A 0);
from_pg_row!(A 0, B 1);
from_pg_row!(A 0, B 1, C 2);
from_pg_row!(A 0, B 1, C 2, D 3);
from_pg_row!(A 0, B 1, C 2, D 3, E 4);
from_pg_row!(A 0, B 1, C 2, D 3, E 4, F 5);
from_pg_row!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
from_pg_row!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
