//! Statements that succeed.

use choreography::clock;
use choreography::db::{Database, Input, Migration, Transaction};
use uuid::Uuid;

use super::places::{Place, changed, rows, run};

type Value = (i64, Option<String>, Option<i64>, Option<Uuid>, Option<Vec<u8>>);

fn values() -> Vec<Value> {
    let text = |text: &str| Some(text.to_owned());
    let bytes: Vec<u8> = (0..=255).collect();
    vec![
        (0, None, None, None, None),
        (1, text(""), Some(0), Some(Uuid::nil()), Some(vec![])),
        (2, text("'\"\\ \u{1f600}\u{7f}\n,{}[]"), Some(i64::MAX), Some(Uuid::max()), Some(bytes)),
        (3, text("FOR UPDATE now_ms()"), Some(i64::MIN), Some(Uuid::from_u128(1)), Some(vec![0])),
        (4, text("null"), Some(-1), None, Some(b"\\x00".to_vec())),
        (5, text(&"long ".repeat(100_000)), None, None, Some(vec![7; 1 << 20])),
    ]
}

fn input(values: &[Value]) -> Input {
    Input::new()
        .int("place", values.iter().map(|v| v.0))
        .text("words", values.iter().map(|v| v.1.clone()))
        .int("number", values.iter().map(|v| v.2))
        .id("id", values.iter().map(|v| v.3))
        .bytes("bytes", values.iter().map(|v| v.4.clone()))
}

const TABLE: &str =
    "CREATE TABLE t (place BIGINT PRIMARY KEY, words TEXT, number BIGINT, id UUID, bytes BYTEA)";
const INSERT: &str = "INSERT INTO t SELECT place, words, number, id, bytes FROM input";

pub(crate) async fn values_come_back_as_they_went(place: Place) {
    let db = place.with_table(TABLE).await;
    let values = values();
    assert_eq!(changed(&db, INSERT, input(&values)).await.expect("inserted"), 6);
    let back: Vec<Value> =
        rows(&db, "SELECT place, words, number, id, bytes FROM t ORDER BY place").await;
    assert!(back == values, "what came back is not what went");
    // The column that is compared has the same type: an index of it is used, and NULL is nobody's.
    for same in [
        "SELECT COUNT(*) FROM t JOIN input ON t.words = input.words",
        "SELECT COUNT(*) FROM t JOIN input ON t.number = input.number",
        "SELECT COUNT(*) FROM t JOIN input ON t.bytes = input.bytes",
    ] {
        let mut tx = db.begin().await.expect("begun");
        let count: Vec<(i64,)> = tx.fetch(same, input(&values)).await.expect(same);
        assert_eq!(count[0].0, if same.contains("number") { 4 } else { 5 }, "{same}");
    }
}

pub(crate) async fn a_batch_may_be_empty_or_have_no_columns(place: Place) {
    let db = place.with_table(TABLE).await;
    assert_eq!(changed(&db, INSERT, input(&[])).await.expect("nothing"), 0);
    let nothing = "DELETE FROM t WHERE place IN (SELECT place FROM input)";
    assert_eq!(changed(&db, nothing, Input::new().int("place", [0; 0])).await.expect("none"), 0);
    run(&db, "INSERT INTO t (place) VALUES (1)").await.expect("one");
    assert_eq!(rows::<(i64,)>(&db, "SELECT place FROM t").await, [(1,)]);
}

pub(crate) async fn the_time_is_the_databases(place: Place) {
    let db = place.with_table("CREATE TABLE t (at BIGINT NOT NULL)").await;
    let before = clock::now().0;
    run(&db, "INSERT INTO t VALUES (now_ms()), (now_ms() + 1000)").await.expect("inserted");
    let after = clock::now().0;
    let times: Vec<(i64,)> = rows(&db, "SELECT at FROM t ORDER BY at").await;
    // It is the same machine's; each database rounds in its own way.
    assert!((before - 1..=after + 1).contains(&times[0].0), "{times:?}");
    assert!((before + 999..=after + 1001).contains(&times[1].0), "{times:?}");
    let passed = "SELECT COUNT(*) FROM t WHERE at <= now_ms() - (SELECT age FROM input)";
    let mut tx = db.begin().await.expect("begun");
    let count: Vec<(i64,)> =
        tx.fetch(passed, Input::new().int("age", [-5_000])).await.expect("two");
    assert_eq!(count[0].0, 2);
}

pub(crate) async fn rows_are_locked_by_the_same_text(place: Place) {
    let db = place.with_table("CREATE TABLE t (place BIGINT PRIMARY KEY)").await;
    run(&db, "INSERT INTO t VALUES (1), (2), (3)").await.expect("inserted");
    let all = "SELECT place FROM t WHERE place IN (SELECT place FROM input)
        ORDER BY place FOR UPDATE";
    let input = || Input::new().int("place", [3, 1]);
    let mut tx = db.begin().await.expect("begun");
    assert_eq!(tx.fetch::<(i64,)>(all, input()).await.expect("locked"), [(1,), (3,)]);
    let free = "DELETE FROM t WHERE place IN
        (SELECT place FROM t ORDER BY place LIMIT (SELECT most FROM input) FOR UPDATE SKIP LOCKED)";
    let most = |most| Input::new().int("most", [most]);
    if place.is_postgres {
        assert_eq!(changed(&db, free, most(5)).await.expect("the free one"), 1);
        tx.rollback().await.expect("ended");
        assert_eq!(rows::<(i64,)>(&db, "SELECT place FROM t").await.len(), 2);
    } else {
        // A transaction has all of SQLite's database.
        tx.rollback().await.expect("ended");
        assert_eq!(changed(&db, free, most(2)).await.expect("two"), 2);
        assert_eq!(rows::<(i64,)>(&db, "SELECT place FROM t").await, [(3,)]);
    }
}

pub(crate) async fn a_transaction_is_whole_or_nothing(place: Place) {
    let db = place.with_table("CREATE TABLE t (place BIGINT PRIMARY KEY)").await;
    let mut tx = db.begin().await.expect("begun");
    tx.execute("INSERT INTO t VALUES (1)", Input::new()).await.expect("inserted");
    drop(tx);
    let mut tx = db.begin().await.expect("begun");
    tx.execute("INSERT INTO t VALUES (1)", Input::new()).await.expect("inserted");
    let inside: Vec<(i64,)> = tx.fetch("SELECT place FROM t", Input::new()).await.expect("rows");
    assert_eq!(inside, [(1,)]);
    drop(tx);
    let mut tx = db.begin().await.expect("begun");
    tx.execute("INSERT INTO t VALUES (2)", Input::new()).await.expect("inserted");
    let twice = tx.execute("INSERT INTO t VALUES (2) -- refused", Input::new()).await;
    // In PostgreSQL it was not sent yet; then the commit tells of it, and of the first error only.
    let twice = match twice {
        Ok(()) => {
            tx.execute("INSERT INTO nowhere VALUES (1)", Input::new()).await.err();
            tx.commit().await
        }
        Err(_) => {
            drop(tx);
            twice
        }
    };
    let why = twice.expect_err("a key twice").to_string();
    assert!(why.to_lowercase().contains("unique"), "{why}");
    run(&db, "INSERT INTO t VALUES (3)").await.expect("inserted");
    let other = place.connect().await;
    let seen: Vec<(Option<i64>,)> = rows(&other, "SELECT place FROM t").await;
    assert_eq!(seen, [(Some(3),)]);
}

pub(crate) async fn several_may_migrate_at_once(place: Place) {
    const HISTORY: [Migration; 2] = [
        Migration {
            version: 1,
            name: "first",
            sql: "CREATE TABLE a (x BIGINT); CREATE TABLE b (x BIGINT)",
        },
        Migration { version: 1000, name: "second", sql: "CREATE TABLE c (x BIGINT)" },
    ];
    let one = async || place.connect().await.migrate(&HISTORY).await.expect("migrated");
    if place.is_postgres {
        tokio::join!(one(), a_long_migration_of_another(&place));
    }
    tokio::join!(one(), one(), one(), one());
    let db: Database = place.connect().await;
    run(&db, "INSERT INTO c SELECT 1 FROM (SELECT 1) t LEFT JOIN a ON true LEFT JOIN b ON true")
        .await
        .expect("all tables");
    let edited = [Migration { version: 1, name: "first", sql: "CREATE TABLE other (x BIGINT)" }];
    let error = db.migrate(&edited).await.expect_err("history is not edited");
    assert!(format!("{error:#}").contains('1'), "{error:#}");
}

/// It takes longer than a batch would wait for a lock.
async fn a_long_migration_of_another(place: &Place) {
    const LOCK: &str = "SELECT 1 FROM pg_advisory_xact_lock(hashtext('choreography.migrations'))";
    let db = place.connect().await;
    let mut tx = db.begin().await.expect("begun");
    tx.fetch::<(i32,)>(LOCK, Input::new()).await.expect("locked");
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
}

/// A statement is planned when its table is still empty. It must not read all of the table when that
/// has grown, as happens in the first minute of each new deployment.
pub(crate) async fn a_table_that_grows_is_never_read_whole(place: Place) {
    const ROWS: i64 = 5_000;
    let db =
        place.with_table("CREATE TABLE t (place BIGINT PRIMARY KEY, at BIGINT NOT NULL)").await;
    run(&db, "CREATE INDEX t_at ON t (at)").await.expect("an index");
    let statements = [
        "SELECT place, at FROM t WHERE place IN (SELECT place FROM input)",
        "DELETE FROM t WHERE at < now_ms() - (SELECT place FROM input) RETURNING place, at",
    ];
    let mut tx = db.begin().await.expect("begun");
    let look = async |tx: &mut Transaction| {
        for statement in statements {
            let input = Input::new().int("place", [7]);
            let _: Vec<(i64, i64)> = tx.fetch(statement, input).await.expect(statement);
        }
    };
    // PostgreSQL keeps a plan after some times.
    for _ in 0..10 {
        look(&mut tx).await;
    }
    let input = Input::new().int("place", 0..ROWS).int("after", 0..ROWS);
    let insert = "INSERT INTO t SELECT place, now_ms() + 60000 FROM input";
    tx.execute(insert, input).await.expect("inserted");
    for _ in 0..10 {
        look(&mut tx).await;
    }
    if place.is_postgres {
        const READ: &str = "SELECT CAST(seq_tup_read + idx_tup_fetch AS BIGINT)
            FROM pg_stat_xact_user_tables WHERE relid = 't'::regclass";
        let read: Vec<(i64,)> = tx.fetch(READ, Input::new()).await.expect("statistics");
        assert!(read[0].0 < ROWS, "{} rows were read to find ten times one", read[0].0);
    }
    tx.rollback().await.expect("ended");
}
