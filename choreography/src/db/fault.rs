//! What a database error means for the batch.

use std::fmt;

use tokio_postgres::error::DbError;

/// The result of something in the database.
pub type DbResult<T> = Result<T, DbFault>;

/// Why a statement failed, by what is to be done about it.
#[derive(Debug)]
pub enum DbFault {
    /// Another instance was there first, or holds a lock: roll back and take the batch again.
    Conflict(Conflict),
    /// The database refuses the data itself; waiting does not help. One record of the batch is
    /// poison.
    Refused(String),
    /// The database is away, slow, full, or we do not know: try again later.
    Transient(String),
}

/// How two transactions met.
#[derive(Debug)]
pub struct Conflict {
    /// What the database says.
    pub why: String,
    /// Both have inserted one key.
    pub is_twice: bool,
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
            Self::Conflict(conflict) => {
                write!(f, "conflict with another transaction: {}", conflict.why)
            }
            Self::Refused(why) => write!(f, "the database refuses the data: {why}"),
            Self::Transient(why) => write!(f, "the database does not answer as it should: {why}"),
        }
    }
}

impl std::error::Error for DbFault {}

impl From<tokio_postgres::Error> for DbFault {
    /// By SQLSTATE, see PostgreSQL's documentation, appendix A.
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else { return Self::Transient(whole(&error)) };
        let code = db.code().code();
        let why = told(db);
        match code {
            // What is inserted without ON CONFLICT is locked first, so another instance was in between.
            UNIQUE_VIOLATION => Self::Conflict(Conflict { why, is_twice: true }),
            // serialization_failure, deadlock_detected, lock_not_available
            "40001" | "40P01" | "55P03" => Self::Conflict(Conflict { why, is_twice: false }),
            _ if refused(code).is_some() => Self::Refused(why),
            _ => Self::Transient(why),
        }
    }
}

const UNIQUE_VIOLATION: &str = "23505";

/// The classes of SQLSTATE that are about the data of a statement, in words.
fn refused(code: &str) -> Option<&'static str> {
    match code.get(..2)? {
        "23" if code == UNIQUE_VIOLATION => Some("unique violation"),
        "22" => Some("data exception"),
        "23" => Some("integrity constraint violation"),
        "54" => Some("program limit exceeded"),
        _ => None,
    }
}

/// What PostgreSQL says, without data. What it says of data that it refuses shows them, as in
/// `Failing row contains (…)`; there the code and the names of what is concerned must do. And its
/// details are never told: they may show rows, too.
fn told(db: &DbError) -> String {
    let code = db.code().code();
    let Some(class) = refused(code) else {
        return format!("{} (SQLSTATE {code})", db.message());
    };
    let concerned =
        [("table", db.table()), ("column", db.column()), ("constraint", db.constraint())];
    let names =
        concerned.into_iter().filter_map(|(what, name)| Some(format!(", {what} {}", name?)));
    format!("{class} (SQLSTATE {code}){}", names.collect::<String>())
}

impl From<deadpool_postgres::PoolError> for DbFault {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Transient(whole(&error))
    }
}

/// The error with its causes: the client's own texts say only where it was.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<sqlx::Error> for DbFault {
    /// By the primary result code, which is the low byte of the extended one; see
    /// <https://sqlite.org/rescode.html>.
    fn from(error: sqlx::Error) -> Self {
        const BUSY: u32 = 5;
        const LOCKED: u32 = 6;
        const TOOBIG: u32 = 18;
        const CONSTRAINT: u32 = 19;
        const MISMATCH: u32 = 20;
        let code = error.as_database_error().and_then(|db| db.code()?.parse::<u32>().ok());
        let why = error.to_string();
        match code.map(|code| code & 0xff) {
            Some(BUSY | LOCKED) => Self::Conflict(Conflict { why, is_twice: false }),
            Some(code @ (TOOBIG | CONSTRAINT | MISMATCH)) => {
                Self::Refused(format!("{why} (SQLite {code})"))
            }
            _ if matches!(error, sqlx::Error::Encode(_)) => Self::Refused(why),
            _ => Self::Transient(why),
        }
    }
}
