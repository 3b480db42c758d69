//! The real parts that the tests behind the feature `real` need, and who may use them.

use std::fs::File;

use crate::binaries;

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

/// Waits until no other test uses the parts, as topics and groups have fixed names; they are ours
/// for as long as the file is open.
///
/// # Panics
/// The folder of the builds cannot be written.
#[must_use]
pub fn alone() -> File {
    let file = File::create(binaries::target_folder().join("parts.lock")).expect("a lock file");
    file.lock().expect("the lock of the parts");
    file
}
