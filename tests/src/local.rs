//! Parts of a test's own, by `deploy/local`: to kill and start again, to measure, or to have several.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use crate::disk::SmallDisk;
use crate::parts::Parts;
use crate::proxy::Proxy;
use crate::{binaries, ports, processes, wait};

/// A Kafka and a PostgreSQL on free ports; both are stopped and deleted with this value.
pub struct LocalParts {
    pub(crate) state: PathBuf,
    /// What the scripts of `deploy/local` read.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Which of the parts there are.
    pub(crate) parts: &'static [Part],
    /// Further brokers of the same Kafka.
    pub(crate) others: Vec<LocalParts>,
    /// What one of the parts keeps its data on, if it is not the disk of all.
    pub(crate) disk: Option<SmallDisk>,
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
    /// All of them.
    pub const BOTH: [Self; 2] = [Self::Kafka, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
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
        let parts = Self::new(name, &Part::BOTH);
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
        let mut parts = Self::new(name, &Part::BOTH);
        let proxy = Proxy::to(parts.address(Part::Kafka));
        let port = proxy.address().port().to_string();
        parts.environment.push(("KAFKA_ADVERTISED_PORT", port));
        parts.up();
        (parts, proxy)
    }

    /// The same with a second door to Kafka, of which only the proxy knows: who begins there is sent
    /// there again and goes through it with everything, and nobody else does.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with_side_door(name: &str) -> (Self, Proxy) {
        let mut parts = Self::new(name, &Part::BOTH);
        let door = ports::free();
        let proxy = Proxy::to(door);
        let [own, controller] = [
            parts.address(Part::Kafka).port().to_string(),
            parts.setting("KAFKA_CONTROLLER_PORT").to_owned(),
        ];
        let properties = format!(
            "listeners=PLAINTEXT://127.0.0.1:{own},SIDE://{door},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{own},SIDE://{}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SIDE:PLAINTEXT,CONTROLLER:PLAINTEXT\n",
            proxy.address()
        );
        parts.environment.push(("KAFKA_SERVER_PROPERTIES", properties));
        parts.up();
        (parts, proxy)
    }

    pub(crate) fn new(name: &str, parts: &'static [Part]) -> Self {
        let state = binaries::target_folder().join("tests").join(format!("parts-{name}"));
        std::fs::create_dir_all(&state).expect("a folder for parts");
        let port = || ports::free().port().to_string();
        let environment = vec![
            ("CHOREO_STATE_DIR", state.to_str().expect("a path that is text").to_owned()),
            (Part::Kafka.port(), port()),
            ("KAFKA_CONTROLLER_PORT", port()),
            (Part::Postgres.port(), port()),
        ];
        Self { state, environment, parts, others: vec![], disk: None }
    }

    pub(crate) fn up(&self) {
        self.sweep();
        self.start_all();
    }

    pub(crate) fn start_all(&self) {
        self.script("up", &self.parts.iter().map(|part| part.name()).collect::<Vec<_>>());
    }

    /// Deletes what a killed run has left.
    pub(crate) fn sweep(&self) {
        self.script("down", &["--purge"]);
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Parts {
        let brokers = self.brokers().map(|broker| broker.address(Part::Kafka).to_string());
        Parts {
            brokers: brokers.collect::<Vec<_>>().join(","),
            postgres: format!("postgres://choreo@{}/postgres", self.address(Part::Postgres)),
        }
    }

    /// All brokers of its Kafka, each as the parts that it is of.
    pub fn brokers(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// Where a part listens.
    ///
    /// # Panics
    /// Never: the ports are this program's own.
    #[must_use]
    pub fn address(&self, part: Part) -> SocketAddr {
        let port = self.setting(part.port());
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port")))
    }

    pub(crate) fn setting(&self, variable: &str) -> &str {
        let setting = self.environment.iter().find(|(name, _)| *name == variable);
        &setting.expect("a variable that is set").1
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
        Part::BOTH.map(|part| (part.name().to_owned(), self.id(part)))
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

    /// Stops a part, if it still runs, and starts it again with what it has kept.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&self, part: Part) {
        self.script("down", &[part.name()]);
        self.start_again(part);
    }

    /// The small disk that one of the parts is on.
    #[must_use]
    pub fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    pub(crate) fn script(&self, name: &str, arguments: &[&str]) {
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
        for part in self.parts {
            let signal = match part {
                // Its data goes with it, and without its controllers a broker takes long to end.
                Part::Kafka => "KILL",
                // If it was stopped by SIGSTOP it would not hear anything else.
                Part::Postgres => "CONT",
            };
            let running = self.state.join("run").join(part.name()).join("pid");
            if running.exists() {
                let kill = format!("kill -{signal} {}", self.id(*part));
                let _ = Command::new("sh").arg("-c").arg(kill).output();
            }
        }
        if self.disk.is_some() {
            // Who is to be unmounted must not be deleted.
            self.script("down", &[]);
            self.disk = None;
        }
        self.script("down", &["--purge"]);
    }
}
