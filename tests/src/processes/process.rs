//! One process: how it is started, and how it ends.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::{ports, wait};

pub(super) struct Process {
    pub(super) name: String,
    pub(super) binary: PathBuf,
    pub(super) address: SocketAddr,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) log: PathBuf,
    pub(super) child: Option<Child>,
}

/// `--drain-time` is 10 s; a little more for what ends after it.
const STOP_LIMIT: Duration = Duration::from_secs(20);

impl Process {
    /// One that is still to be started.
    pub(super) fn new(
        name: String,
        binary: PathBuf,
        arguments: &[&str],
        environment: &[(String, String)],
        folder: &Path,
    ) -> Self {
        Self {
            log: folder.join(format!("{name}.log")),
            name,
            binary,
            address: ports::free(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: environment.to_owned(),
            child: None,
        }
    }

    pub(super) fn start(&mut self, folder: &Path, more: &[(&str, &str)]) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(&self.log).expect("a log file");
        let mut command = Command::new(&self.binary);
        command.env_clear().env("LOG_FORMAT", "text").env("RUST_BACKTRACE", "1");
        command.envs(self.environment.iter().cloned()).envs(more.iter().copied());
        command.args(&self.arguments);
        command.arg("--http").arg(self.address.to_string()).current_dir(folder);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log file")).stderr(log);
        self.child = Some(command.spawn().expect("a binary that starts"));
    }

    /// How it has ended, if it has; then it can be started again.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.as_mut()?.try_wait().expect("status")?;
        self.child = None;
        Some(ended)
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.as_ref().expect("a process that runs").id();
        signal(id, name);
    }

    pub(super) fn wait_end(&mut self) {
        let child = self.child.as_mut().expect("a process that runs");
        let status = wait::until(&format!("{} stops", self.name), STOP_LIMIT, || {
            child.try_wait().expect("status").ok_or_else(|| "it still runs".to_owned())
        });
        self.child = None;
        assert!(status.success(), "{} has stopped with {status}", self.name);
    }
}

/// Sends a signal, such as `STOP`, to a process.
///
/// # Panics
/// There is no such process.
pub fn signal(id: u32, name: &str) {
    // The standard library has no other signal than SIGKILL; every shell has the command.
    let kill = format!("kill -{name} {id}");
    let sent = Command::new("sh").arg("-c").arg(&kill).status().expect("sh");
    assert!(sent.success(), "{kill} has failed");
}
