//! What a database error means for the batch.

use std::fmt;

/// The result of something in the database.
pub type DbResult<T> = Result<T, DbFault>;

/// Why a statement failed, by what is to be done about it.
#[derive(Debug)]
pub enum DbFault {
    /// Another instance was there first, or holds a lock: roll back and take the batch again.
    Conflict(sqlx::Error),
    /// The database refuses the data itself; waiting does not help. One record of the batch is
    /// poison.
    Refused(String),
    /// The database is away, slow, full, or we do not know: try again later.
    Transient(sqlx::Error),
}

impl DbFault {
    /// Its name in spans and metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Refused(_) => "refused",
            Self::Transient(_) => "database",
        }
    }
}

impl fmt::Display for DbFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(error) => write!(f, "conflict with another transaction: {error}"),
            Self::Refused(why) => write!(f, "the database refuses the data: {why}"),
            Self::Transient(error) => {
                write!(f, "the database does not answer as it should: {error}")
            }
        }
    }
}

impl std::error::Error for DbFault {}

impl From<sqlx::Error> for DbFault {
    fn from(error: sqlx::Error) -> Self {
        let Some(db) = error.as_database_error() else {
            return match error {
                sqlx::Error::Encode(why) => Self::Refused(why.to_string()),
                other => Self::Transient(other),
            };
        };
        let code = db.code().unwrap_or_default().into_owned();
        match db.kind_of_database() {
            DatabaseKind::Postgres => of_postgres(&code, error),
            DatabaseKind::Sqlite => of_sqlite(&code, error),
        }
    }
}

enum DatabaseKind {
    Postgres,
    Sqlite,
}

trait KindOfDatabase {
    fn kind_of_database(&self) -> DatabaseKind;
}

impl KindOfDatabase for dyn sqlx::error::DatabaseError {
    fn kind_of_database(&self) -> DatabaseKind {
        match self.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
            Some(_) => DatabaseKind::Postgres,
            None => DatabaseKind::Sqlite,
        }
    }
}

/// By SQLSTATE, see PostgreSQL's documentation, appendix A.
fn of_postgres(code: &str, error: sqlx::Error) -> DbFault {
    match code {
        // serialization_failure, deadlock_detected, unique_violation (what is inserted without ON
        // CONFLICT is locked first, so another instance was in between), lock_not_available
        "40001" | "40P01" | "23505" | "55P03" => DbFault::Conflict(error),
        // data exception, integrity constraint violation, program limit exceeded
        _ if ["22", "23", "54"].contains(&code.get(..2).unwrap_or_default()) => {
            DbFault::Refused(format!("{error} (SQLSTATE {code})"))
        }
        _ => DbFault::Transient(error),
    }
}

/// By the primary result code, which is the low byte of the extended one; see
/// <https://sqlite.org/rescode.html>.
fn of_sqlite(code: &str, error: sqlx::Error) -> DbFault {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const TOOBIG: u32 = 18;
    const CONSTRAINT: u32 = 19;
    const MISMATCH: u32 = 20;
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        BUSY | LOCKED => DbFault::Conflict(error),
        TOOBIG | CONSTRAINT | MISMATCH => DbFault::Refused(format!("{error} (SQLite {code})")),
        _ => DbFault::Transient(error),
    }
}
