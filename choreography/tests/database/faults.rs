//! Statements that fail, and what is to be done about it.

use choreography::db::{Database, DbFault, DbResult, Input};

use super::places::{Place, rows, run, run_with};

fn class<T>(result: DbResult<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            fault.class()
        }
    }
}

const TABLE: &str =
    "CREATE TABLE t (key TEXT PRIMARY KEY NOT NULL, number BIGINT CHECK (number < 10))";
const INSERT: &str = "INSERT INTO t SELECT key, number FROM input";

fn row(key: &str, number: i64) -> Input {
    Input::new().text("key", [key.to_owned()]).int("number", [number])
}

pub(crate) async fn what_is_wrong_with_the_data_is_refused(place: Place) {
    let db = place.with_table(TABLE).await;
    assert_eq!(class(run_with(&db, INSERT, row("a", 1)).await), "ok");
    assert_eq!(class(run_with(&db, INSERT, row("nul \0", 1)).await), "refused");
    assert_eq!(class(run_with(&db, INSERT, row("b", 10)).await), "refused");
    let null = Input::new().text("key", [None]).int("number", [1]);
    assert_eq!(class(run_with(&db, INSERT, null).await), "refused");
    if place.is_postgres {
        // No index has room for it.
        const LONG: &str = "INSERT INTO t
            SELECT string_agg(md5(n::text), ''), 1 FROM generate_series(1, 2000) n";
        assert_eq!(class(run(&db, LONG).await), "refused");
        assert_eq!(class(run(&db, "SELECT 1 / 0").await), "refused");
        // What another instance inserted meanwhile: the next try finds it.
        assert_eq!(class(run_with(&db, INSERT, row("a", 1)).await), "conflict");
    } else {
        assert_eq!(class(run_with(&db, INSERT, row("a", 1)).await), "refused");
    }
    assert_eq!(rows::<(String,)>(&db, "SELECT key FROM t").await.len(), 1);
}

/// They may be personal.
pub(crate) async fn what_is_refused_is_told_without_its_values(place: Place) {
    const NAME: &str = "Zebrafink";
    let db = place.with_table(TABLE).await;
    assert_eq!(class(run_with(&db, INSERT, row(NAME, 1)).await), "ok");
    let null = Input::new().text("key", [NAME.to_owned()]).int("number", [11]);
    let mut faults = vec![
        run_with(&db, INSERT, row(NAME, 1)).await,
        run_with(&db, INSERT, row(NAME, 10)).await,
        run_with(&db, "INSERT INTO t SELECT NULL, 1 FROM input", null).await,
    ];
    if place.is_postgres {
        faults.push(run(&db, "SELECT 'Zebrafink'::bigint").await);
        faults.push(run(&db, "SELECT to_date('Zebrafink', 'YYYY')").await);
    }
    for fault in faults {
        let text = fault.expect_err("refused").to_string();
        assert!(!text.contains(NAME), "{text}");
        assert!(
            text.contains(if place.is_postgres { "SQLSTATE 2" } else { "SQLite 19" }),
            "{text}"
        );
    }
}

pub(crate) async fn a_lock_that_another_holds_is_a_conflict(place: Place) {
    let db = place.with_table(TABLE).await;
    run(&db, "INSERT INTO t VALUES ('a', 1), ('b', 1)").await.expect("inserted");
    let mut holder = db.begin().await.expect("begun");
    const HOLD: &str = "UPDATE t SET number = 2 WHERE key = 'a' RETURNING key";
    let held: Vec<(String,)> = holder.fetch(HOLD, Input::new()).await.expect("locked");
    assert_eq!(held.len(), 1);
    let began = std::time::Instant::now();
    let blocked = run(&db, "UPDATE t SET number = 3 WHERE key = 'a'").await;
    assert_eq!(class(blocked), "conflict");
    let waited = began.elapsed().as_secs_f64();
    assert!((4.0..9.0).contains(&waited), "a limit of five seconds: {waited}");
    // Who only reads does not wait.
    assert_eq!(rows::<(i64,)>(&db, "SELECT number FROM t WHERE key = 'a'").await, [(1,)]);
    drop(holder);
    if place.is_postgres {
        deadlock(&db).await;
    }
}

async fn deadlock(db: &Database) {
    let lock = |key: &'static str| match key {
        "a" => "UPDATE t SET number = 4 WHERE key = 'a' RETURNING key",
        _ => "UPDATE t SET number = 4 WHERE key = 'b' RETURNING key",
    };
    let circle = async |first, second| {
        let mut tx = db.begin().await?;
        tx.fetch::<(String,)>(lock(first), Input::new()).await?;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        tx.fetch::<(String,)>(lock(second), Input::new()).await?;
        tx.commit().await
    };
    let (one, other) = tokio::join!(circle("a", "b"), circle("b", "a"));
    let mut classes = [class(one), class(other)];
    classes.sort_unstable();
    assert_eq!(classes, ["conflict", "ok"]);
}

pub(crate) async fn everything_else_is_transient(place: Place) {
    let db = place.with_table(TABLE).await;
    assert_eq!(class(run(&db, "INSERT INTO no_such_table VALUES (1)").await), "database");
    assert_eq!(class(run(&db, "no SQL").await), "database");
    let mut tx = db.begin().await.expect("begun");
    let wrong: DbResult<Vec<(i64,)>> = tx.fetch("SELECT 'text'", Input::new()).await;
    assert_eq!(class(wrong), "database", "another type than was asked for");
    drop(tx);
    if place.is_postgres {
        let ended = run(&db, "SELECT pg_terminate_backend(pg_backend_pid())").await;
        assert_eq!(class(ended), "database");
    }
    // The next statement has a connection that works.
    assert_eq!(class(run(&db, "INSERT INTO t VALUES ('z', 1)").await), "ok");
    db.close().await;
    let closed = db.begin().await;
    assert!(matches!(closed, Err(DbFault::Transient(_))));
}
