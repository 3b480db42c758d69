//! The real parts that the tests behind the feature `real` need, and who may use them.

use std::fs::{File, OpenOptions};

/// Where the parts listen.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Kafka, as HOST:PORT.
    pub brokers: String,
    /// A PostgreSQL database from which others can be made.
    pub postgres: String,
}

/// What to run, for whoever has not.
const HOW: &str = "\
Start the parts, from the top of the project, and say where they are:
  deploy/local/up kafka postgres
  KAFKA_BROKERS=127.0.0.1:9092 POSTGRES_URL=postgres://choreo@127.0.0.1:5432/postgres \\
    cargo test -p tests --features real --tests -- --test-threads=1";

impl Parts {
    /// Those that the environment names.
    ///
    /// # Panics
    /// It names none, or a Kafka that may not be one for tests: the tests delete the services'
    /// topics there.
    #[must_use]
    pub fn named() -> Self {
        let brokers = variable("KAFKA_BROKERS");
        let local = ["127.0.0.1:", "localhost:", "[::1]:"];
        assert!(
            local.iter().any(|host| brokers.starts_with(host)),
            "KAFKA_BROKERS={brokers}: the tests delete the services' topics, so they use a Kafka \
             on this machine only.\n{HOW}"
        );
        Self { brokers, postgres: variable("POSTGRES_URL") }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no command line of their own")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set.\n{HOW}"))
}

/// Waits until no other test uses the Kafka at `brokers`, as topics and groups have fixed names; it
/// is ours for as long as the file is open. The lock belongs to the Kafka, so that tests of another
/// checkout wait, too. Each name of this machine is the same Kafka, so only the port counts.
///
/// # Panics
/// The folder for temporary files cannot be written, or the lock is another user's.
#[must_use]
pub fn alone(brokers: &str) -> File {
    let first = brokers.split(',').next().unwrap_or_default();
    let port = first.rsplit(':').next().unwrap_or_default();
    let path = std::env::temp_dir().join(format!("choreo-tests-kafka-{port}.lock"));
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.lock().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file
}
