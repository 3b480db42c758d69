//! PostgreSQL: a statement whose rows nobody asks for is sent without waiting for it.
//!
//! A batch has a dozen statements, and at a moderate rate a round trip for each is most of what a
//! batch costs. So such a statement waits here for the next one that is asked for its rows, or for
//! the commit; then all of them are sent at once. The server runs them in order, each as a
//! statement of its own that sees what was committed before it began, and after one that fails it
//! refuses those that follow.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures::FutureExt;
use futures::future::join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row, Statement};

use super::fault::DbResult;
use super::input::Input;

/// A frozen owner must not stop the next one, and a commit that was answered is on disk. No statement
/// needs a whole table: of one that was empty when a statement was planned the server would go on
/// to read all. And none is worth compiling, which takes a tenth of a second where the server guesses
/// that it is.
const SESSION: &str = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=10s \
    -c statement_timeout=30s -c synchronous_commit=on -c enable_seqscan=off -c jit=off \
    -c default_transaction_isolation=read\\ committed";

/// For who only reads: a transaction shows one picture of all tables, and can change none.
const READING: &str =
    "-c default_transaction_isolation=repeatable\\ read -c default_transaction_read_only=on";

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// What is sent and not acknowledged for so long: nobody is there any more.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// A database in PostgreSQL.
#[derive(Clone)]
pub struct PgDatabase {
    config: Arc<Config>,
    pool: Pool,
}

impl PgDatabase {
    /// Connects, with at most so many connections.
    pub(super) async fn connect(url: &str, connections: usize) -> anyhow::Result<Self> {
        let config = Arc::new(configure(url)?);
        let database = Self { pool: pool(&config, connections)?, config };
        drop(database.pool.get().await.context("cannot connect to PostgreSQL")?);
        Ok(database)
    }

    /// Connects to read only, with one connection.
    pub(super) async fn connect_to_read(url: &str) -> anyhow::Result<Self> {
        let mut config = configure(url)?;
        let options = format!("{} {READING}", config.get_options().unwrap_or_default());
        config.options(&options);
        let database = Self { pool: pool(&config, 1)?, config: Arc::new(config) };
        drop(database.pool.get().await.context("cannot connect to PostgreSQL")?);
        Ok(database)
    }

    /// The same with one connection of its own, made when it is first needed.
    pub(super) fn apart(&self) -> anyhow::Result<Self> {
        Ok(Self { pool: pool(&self.config, 1)?, config: Arc::clone(&self.config) })
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

fn configure(url: &str) -> anyhow::Result<Config> {
    let mut config = Config::from_str(url).context("DATABASE_URL")?;
    let options = format!("{} {SESSION}", config.get_options().unwrap_or_default());
    config.options(&options).connect_timeout(CONNECT_LIMIT).tcp_user_timeout(SILENCE_LIMIT);
    Ok(config)
}

fn pool(config: &Config, connections: usize) -> anyhow::Result<Pool> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Ok(Pool::builder(Manager::from_config(config.clone(), NoTls, recycling))
        .max_size(connections)
        .wait_timeout(Some(CONNECT_LIMIT))
        .create_timeout(Some(CONNECT_LIMIT))
        .recycle_timeout(Some(CONNECT_LIMIT))
        .runtime(Runtime::Tokio1)
        .build()?)
}

/// Whether a connection failed because the server is not there now.
pub(crate) fn is_away(error: &anyhow::Error) -> bool {
    // It starts, stops, or has no connection left; see PostgreSQL's documentation, appendix A.
    const LATER: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];
    match error.downcast_ref::<PoolError>() {
        Some(PoolError::Timeout(_)) => true,
        Some(PoolError::Backend(error)) => match error.code() {
            Some(code) => LATER.contains(&code.code()),
            None => error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
        },
        Some(_) | None => false,
    }
}

/// A transaction. It begins with its first statement.
pub struct PgTransaction {
    /// None when it has ended.
    client: Option<Object>,
    queued: Vec<Query>,
    /// The rows of each statement that was answered and not only queued, by its place.
    answers: Vec<Vec<Row>>,
    begun: bool,
    /// Something was sent, and not all of it is answered.
    waiting: bool,
}

struct Query {
    statement: Statement,
    parameters: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl PgTransaction {
    pub(super) async fn begin(database: &PgDatabase) -> DbResult<Self> {
        let client = Some(database.pool.get().await?);
        let mut tx = Self { client, queued: vec![], answers: vec![], begun: false, waiting: false };
        tx.queue("BEGIN", Input::new()).await?;
        Ok(tx)
    }

    /// To be sent with the next statement that is asked for its rows, or with the commit. Out: its
    /// place.
    pub(super) async fn queue(&mut self, sql: &str, input: Input) -> DbResult<usize> {
        // What this connection has not prepared yet it prepares now, outside of the queue.
        self.waiting = true;
        let statement = self.client().prepare_cached(&input.postgres_sql(sql)).await;
        self.waiting = false;
        self.queued.push(Query { statement: statement?, parameters: input.parameters() });
        Ok(self.answers.len() + self.queued.len() - 1)
    }

    /// The rows of the statement at `place`, once.
    pub(super) async fn rows(&mut self, place: usize) -> DbResult<Vec<Row>> {
        if self.answers.len() <= place {
            self.send().await?;
        }
        Ok(self.answers.get_mut(place).map(std::mem::take).unwrap_or_default())
    }

    /// Sends all that is queued, and waits for the answers. Out: the first error of any.
    async fn send(&mut self) -> DbResult<()> {
        let queued = std::mem::take(&mut self.queued);
        (self.begun, self.waiting) = (true, true);
        let client = self.client();
        // The first poll of each sends it, and `join_all` polls in order.
        let answers = join_all(queued.iter().map(|query| async {
            let parameters: Vec<_> = query.parameters.iter().map(|p| &**p as _).collect();
            client.query(&query.statement, &parameters).await
        }));
        let answers = answers.await;
        self.waiting = false;
        for answer in answers {
            self.answers.push(answer?);
        }
        Ok(())
    }

    /// Several statements without parameters, separated by semicolons.
    pub(super) async fn script(&mut self, sql: &str) -> DbResult<()> {
        self.send().await?;
        self.waiting = true;
        let done = self.client().batch_execute(sql).await;
        self.waiting = false;
        Ok(done?)
    }

    pub(super) async fn end(mut self, how: &'static str) -> DbResult<()> {
        self.queue(how, Input::new()).await?;
        let ended = self.send().await;
        // Whatever was answered, the server has ended the transaction.
        self.client = None;
        ended
    }

    fn client(&self) -> &Object {
        self.client.as_ref().expect("only `end` takes it, and takes the transaction with it")
    }
}

impl Drop for PgTransaction {
    /// What was not ended is rolled back.
    fn drop(&mut self) {
        match self.client.take() {
            // Nobody may get a connection that still works for somebody else.
            Some(client) if self.waiting => drop(Object::take(client)),
            // The first poll sends it; nobody needs the answer.
            Some(client) if self.begun => drop(client.batch_execute("ROLLBACK").now_or_never()),
            Some(_) | None => (),
        }
    }
}
