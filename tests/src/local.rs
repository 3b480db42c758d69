//! Parts of a test's own, by `deploy/local`: to kill and start again, to measure, or to have several.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use crate::parts::Parts;
use crate::proxy::Proxy;
use crate::{binaries, ports, processes, wait};

/// A Kafka and a PostgreSQL on free ports; both are stopped and deleted with this value.
pub struct LocalParts {
    state: PathBuf,
    /// What the scripts of `deploy/local` read.
    environment: Vec<(&'static str, String)>,
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

    /// The variable that chooses its port.
    fn port(self) -> &'static str {
        match self {
            Self::Kafka => "KAFKA_PORT",
            Self::Postgres => "POSTGRES_PORT",
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
        let parts = Self::new(name);
        parts.up();
        parts
    }

    /// The same with a proxy to Kafka. Kafka tells its clients the proxy's address, so they go through
    /// it with all but their first question, and with that, too, when they begin there.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_by_proxy(name: &str) -> (Self, Proxy) {
        let mut parts = Self::new(name);
        let proxy = Proxy::to(parts.address(Part::Kafka));
        let port = proxy.address().port().to_string();
        parts.environment.push(("KAFKA_ADVERTISED_PORT", port));
        parts.up();
        (parts, proxy)
    }

    fn new(name: &str) -> Self {
        let state = binaries::target_folder().join("tests").join(format!("parts-{name}"));
        std::fs::create_dir_all(&state).expect("a folder for parts");
        let port = || ports::free().port().to_string();
        let environment = vec![
            ("CHOREO_STATE_DIR", state.to_str().expect("a path that is text").to_owned()),
            (Part::Kafka.port(), port()),
            ("KAFKA_CONTROLLER_PORT", port()),
            (Part::Postgres.port(), port()),
        ];
        Self { state, environment }
    }

    fn up(&self) {
        // What a killed run has left.
        self.script("down", &["--purge"]);
        self.script("up", &["kafka", "postgres"]);
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Parts {
        let [kafka, postgres] = [Part::Kafka, Part::Postgres].map(|part| self.address(part));
        Parts {
            brokers: kafka.to_string(),
            postgres: format!("postgres://choreo@{postgres}/postgres"),
        }
    }

    /// Where a part listens.
    ///
    /// # Panics
    /// Never: the ports are this program's own.
    #[must_use]
    pub fn address(&self, part: Part) -> SocketAddr {
        let port = self.environment.iter().find(|(name, _)| *name == part.port());
        let (_, port) = port.expect("the port of a part");
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port")))
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
        processes::signal(self.id(part), signal);
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
