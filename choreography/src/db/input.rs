//! The table `input`: a batch as the parameters of one statement.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::fault::{DbFault, DbResult};

/// Columns of equal length. Values may be absent (NULL).
#[derive(Default)]
pub struct Input {
    columns: Vec<(&'static str, Column)>,
}

/// The time of the database, in milliseconds since 1970.
const NOW_MS: &str = "now_ms()";

enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Id(Vec<Option<Uuid>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Input {
    /// No columns: for a statement that does not read `input`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A column of type `TEXT`.
    #[must_use]
    pub fn text<T: Into<Option<String>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.with(name, Column::Text(values.into_iter().map(Into::into).collect()))
    }

    /// A column of type `BIGINT`.
    #[must_use]
    pub fn int<T: Into<Option<i64>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.with(name, Column::Int(values.into_iter().map(Into::into).collect()))
    }

    /// A column of type `UUID`.
    #[must_use]
    pub fn id<T: Into<Option<Uuid>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.with(name, Column::Id(values.into_iter().map(Into::into).collect()))
    }

    /// A column of type `BYTEA`.
    #[must_use]
    pub fn bytes<T: Into<Option<Vec<u8>>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.with(name, Column::Bytes(values.into_iter().map(Into::into).collect()))
    }

    fn with(mut self, name: &'static str, column: Column) -> Self {
        self.columns.push((name, column));
        self
    }

    /// Refuses text that only one of the databases would take: PostgreSQL has no U+0000 in text.
    pub(super) fn check(&self) -> DbResult<()> {
        let texts = self.columns.iter().filter_map(|(name, column)| match column {
            Column::Text(values) => Some((name, values)),
            Column::Int(_) | Column::Id(_) | Column::Bytes(_) => None,
        });
        for (name, values) in texts {
            if values.iter().flatten().any(|v| v.contains('\0')) {
                return Err(DbFault::Refused(format!("U+0000 in the text of column {name}")));
            }
        }
        debug_assert!(self.columns.windows(2).all(|c| c[0].1.len() == c[1].1.len()));
        Ok(())
    }

    /// A look-up `IN (SELECT column FROM input)` becomes one by the parameter itself: then there is no
    /// join, and no choice of a plan that could rest on what the server believes of a table that
    /// has just grown. The time is a query of its own, asked once: so an index can be searched by it.
    pub(super) fn postgres_sql(&self, sql: &str) -> String {
        const CLOCK: &str = "(SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint)";
        let mut sql = sql.replace(NOW_MS, CLOCK);
        if self.columns.is_empty() {
            return sql;
        }
        let mut arrays = vec![];
        for (n, (name, column)) in (1..).zip(&self.columns) {
            let array = format!("${n}::{}[]", column.postgres_type());
            let look_up = format!("IN (SELECT {name} FROM input)");
            sql = sql.replace(&look_up, &format!("= ANY ({array})"));
            arrays.push(array);
        }
        // Also when nothing is left that reads it, as it tells the types of all parameters.
        let (names, arrays) = (self.names(), arrays.join(", "));
        format!("WITH input({names}) AS (SELECT * FROM unnest({arrays})) {sql}")
    }

    pub(super) fn sqlite_sql(&self, sql: &str) -> String {
        let sql = sql
            .replace("FOR UPDATE SKIP LOCKED", "")
            .replace("FOR UPDATE", "")
            .replace(NOW_MS, "CAST(unixepoch('subsec') * 1000 AS INTEGER)");
        if self.columns.is_empty() {
            return sql;
        }
        let values: Vec<_> = (0..)
            .zip(&self.columns)
            .map(|(n, (_, column))| match column {
                Column::Text(_) | Column::Int(_) => format!("value->>{n}"),
                Column::Id(_) | Column::Bytes(_) => format!("unhex(value->>{n})"),
            })
            .collect();
        format!(
            "WITH input({}) AS (SELECT {} FROM json_each($1)) {sql}",
            self.names(),
            values.join(", ")
        )
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn parameters(self) -> Vec<Box<dyn ToSql + Sync + Send>> {
        let boxed = |(_, column): (_, Column)| -> Box<dyn ToSql + Sync + Send> {
            match column {
                Column::Text(values) => Box::new(values),
                Column::Int(values) => Box::new(values),
                Column::Id(values) => Box::new(values),
                Column::Bytes(values) => Box::new(values),
            }
        };
        self.columns.into_iter().map(boxed).collect()
    }

    pub(super) fn bind_sqlite(
        self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Query<'_, Sqlite, SqliteArguments> {
        if self.columns.is_empty() {
            return query;
        }
        let length = self.columns.first().map_or(0, |(_, column)| column.len());
        let rows: Vec<serde_json::Value> = (0..length)
            .map(|row| self.columns.iter().map(|(_, column)| column.json(row)).collect())
            .collect();
        query.bind(serde_json::Value::from(rows).to_string())
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Id(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    fn postgres_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Int(_) => "bigint",
            Self::Id(_) => "uuid",
            Self::Bytes(_) => "bytea",
        }
    }

    fn json(&self, row: usize) -> serde_json::Value {
        match self {
            Self::Text(values) => values[row].as_deref().into(),
            Self::Int(values) => values[row].into(),
            Self::Id(values) => values[row].map(|id| id.simple().to_string()).into(),
            Self::Bytes(values) => values[row].as_deref().map(hex).into(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}
