//! Parts of a test's own, by `deploy/local`: to kill and start again, to measure, or to have several.

use std::path::PathBuf;
use std::process::Command;

use crate::parts::Parts;
use crate::{binaries, ports, wait};

/// A Kafka and a PostgreSQL on free ports; both are stopped and deleted with this value.
pub struct LocalParts {
    state: PathBuf,
    /// What the scripts of `deploy/local` read.
    environment: [(&'static str, String); 4],
}

/// A part, as the scripts call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Apache Kafka: one process.
    Kafka,
    /// PostgreSQL: one process and its children.
    Postgres,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
        }
    }
}

impl LocalParts {
    /// Starts both, with nothing in them, and waits until they answer. `name` tells one set of parts
    /// from another.
    ///
    /// # Panics
    /// They do not start; the scripts have said why.
    #[must_use]
    pub fn start(name: &str) -> Self {
        let state = binaries::target_folder().join("tests").join(format!("parts-{name}"));
        std::fs::create_dir_all(&state).expect("a folder for parts");
        let port = || ports::free().port().to_string();
        let environment = [
            ("CHOREO_STATE_DIR", state.to_str().expect("a path that is text").to_owned()),
            ("KAFKA_PORT", port()),
            ("KAFKA_CONTROLLER_PORT", port()),
            ("POSTGRES_PORT", port()),
        ];
        let parts = Self { state, environment };
        // What a killed run has left.
        parts.script("down", &["--purge"]);
        parts.script("up", &["kafka", "postgres"]);
        parts
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Parts {
        let [_, (_, kafka), _, (_, postgres)] = &self.environment;
        Parts {
            brokers: format!("127.0.0.1:{kafka}"),
            postgres: format!("postgres://choreo@127.0.0.1:{postgres}/postgres"),
        }
    }

    /// The id of a part's process.
    ///
    /// # Panics
    /// It was not started.
    #[must_use]
    pub fn id(&self, part: Part) -> u32 {
        let file = self.state.join("run").join(part.name()).join("pid");
        let id = std::fs::read_to_string(file).expect("the id of a part that runs");
        id.trim().parse().expect("a process id")
    }

    /// The names and ids of all processes.
    ///
    /// # Panics
    /// One was not started.
    #[must_use]
    pub fn processes(&self) -> [(String, u32); 2] {
        [Part::Kafka, Part::Postgres].map(|part| (part.name().to_owned(), self.id(part)))
    }

    /// Sends a signal, such as `KILL`, `STOP` or `CONT`, to a part's process.
    ///
    /// # Panics
    /// It does not run.
    pub fn signal(&self, part: Part, signal: &str) {
        let kill = format!("kill -{signal} {}", self.id(part));
        let sent = Command::new("sh").arg("-c").arg(&kill).status().expect("sh");
        assert!(sent.success(), "{kill} has failed");
    }

    /// Starts a part that has ended, with what it has kept, and waits until it answers.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&self, part: Part) {
        // What a killed PostgreSQL leaves behind ends a moment later, and is in the way until then.
        let what = format!("{} starts again", part.name());
        wait::until(&what, wait::LIMIT, || self.try_script("up", &[part.name()]));
    }

    fn script(&self, name: &str, arguments: &[&str]) {
        self.try_script(name, arguments).unwrap_or_else(|said| panic!("{said}"));
    }

    fn try_script(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let mut script = Command::new(binaries::project_folder().join("deploy/local").join(name));
        script.args(arguments).envs(self.environment.iter().map(|(key, value)| (key, value)));
        let output = script.output().expect("the scripts of deploy/local");
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{script:?}: {}: {said}", output.status))
    }
}

impl Drop for LocalParts {
    fn drop(&mut self) {
        // A part that was stopped by SIGSTOP would not hear anything else.
        for part in [Part::Kafka, Part::Postgres] {
            let running = self.state.join("run").join(part.name()).join("pid");
            if running.exists() {
                let resume = format!("kill -CONT {}", self.id(part));
                let _ = Command::new("sh").arg("-c").arg(resume).output();
            }
        }
        self.script("down", &["--purge"]);
    }
}
