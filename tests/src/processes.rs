//! Services as child processes: started, asked, stopped, killed and started again.

mod process;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::binaries::{self, Build};
use crate::http::{self, Answer};
use crate::service::Service;
use crate::wait;
use process::Process;
pub use process::signal;

/// The processes of one test, with a folder for their logs. What still runs when this value goes
/// is killed; a test that leaves something running has failed.
pub struct Processes {
    folder: PathBuf,
    /// How to run this test again.
    again: String,
    build: Build,
    all: Vec<Process>,
}

/// One of the processes; it stays the same when it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance(usize);

/// So many lines of each log are shown when a test fails.
const LOG_LINES: usize = 12;

/// So much of each line; a list of partitions is long.
const LINE_CHARS: usize = 250;

impl Processes {
    /// None yet. `name` is the folder's; `again` is the command that runs this test again.
    ///
    /// # Panics
    /// The folder cannot be made.
    #[must_use]
    pub fn new(name: &str, again: &str) -> Self {
        let folder = binaries::target_folder().join("tests").join(name);
        // What a failed run has left is from before.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder for logs");
        Self { folder, again: again.to_owned(), build: Build::Ordinary, all: vec![] }
    }

    /// Of which build the services are that are started from now on.
    pub fn set_build(&mut self, build: Build) {
        self.build = build;
    }

    /// The test's own folder. It is deleted when the test succeeds.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a process of `service` with these arguments and environment variables, and no others.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(
        &mut self,
        service: Service,
        arguments: &[&str],
        environment: &[(String, String)],
    ) -> Instance {
        self.start_binary(binaries::path(self.build, service), arguments, environment)
    }

    /// The same of a service that the harness does not know.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start_binary(
        &mut self,
        binary: PathBuf,
        arguments: &[&str],
        environment: &[(String, String)],
    ) -> Instance {
        let number = 1 + self.all.iter().filter(|process| process.binary == binary).count();
        let name = binary.file_name().expect("the name of a binary").to_string_lossy();
        let name = format!("{name}-{number}");
        self.all.push(Process::new(name, binary, arguments, environment, &self.folder));
        let instance = Instance(self.all.len() - 1);
        self.start_again(instance);
        instance
    }

    /// Starts a process that has ended, as it was started before.
    ///
    /// # Panics
    /// It runs, or cannot be started.
    pub fn start_again(&mut self, instance: Instance) {
        self.start_again_with(instance, &[]);
    }

    /// The same with further environment variables, for this once.
    ///
    /// # Panics
    /// It runs, or cannot be started.
    pub fn start_again_with(&mut self, instance: Instance, variables: &[(&str, &str)]) {
        self.all[instance.0].start(&self.folder, variables);
    }

    /// Asks one of its pages.
    ///
    /// # Errors
    /// It does not answer.
    pub fn get(&self, instance: Instance, path: &str) -> std::io::Result<Answer> {
        http::get(self.address(instance), path)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self, instance: Instance) -> SocketAddr {
        self.all[instance.0].address
    }

    /// Its process id.
    ///
    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn id(&self, instance: Instance) -> u32 {
        self.all[instance.0].child.as_ref().expect("a process that runs").id()
    }

    /// Waits until `/readyz` says that it is ready.
    ///
    /// # Panics
    /// It has ended, or is not ready in time.
    pub fn wait_ready(&mut self, instance: Instance) {
        let name = self.all[instance.0].name.clone();
        wait::until(&format!("{name} is ready"), wait::LIMIT, || {
            self.check_running();
            match self.get(instance, "/readyz") {
                Ok(Answer { status: 200, .. }) => Ok(()),
                other => Err(format!("/readyz: {other:?}")),
            }
        });
    }

    /// Fails if a process has ended by itself.
    ///
    /// # Panics
    /// Which one, and how.
    pub fn check_running(&mut self) {
        for process in &mut self.all {
            let ended = process.child.as_mut().and_then(|child| child.try_wait().expect("status"));
            assert!(ended.is_none(), "{} has ended by itself: {ended:?}", process.name);
        }
    }

    /// How a process has ended, if it has; then it can be started again.
    pub fn ended(&mut self, instance: Instance) -> Option<ExitStatus> {
        self.all[instance.0].ended()
    }

    /// All that a process has written.
    ///
    /// # Panics
    /// It was never started.
    #[must_use]
    pub fn log(&self, instance: Instance) -> String {
        fs::read_to_string(&self.all[instance.0].log).expect("a log")
    }

    /// Sends a signal, such as `STOP` or `CONT`, to a process.
    ///
    /// # Panics
    /// It does not run.
    pub fn signal(&self, instance: Instance, name: &str) {
        self.all[instance.0].signal(name);
    }

    /// Asks a process to end (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// It does not end in time, or not with 0.
    pub fn stop(&mut self, instance: Instance) {
        self.all[instance.0].signal("TERM");
        self.all[instance.0].wait_end();
    }

    /// Kills a process (SIGKILL).
    ///
    /// # Panics
    /// It does not run.
    pub fn kill(&mut self, instance: Instance) -> ExitStatus {
        let mut child = self.all[instance.0].child.take().expect("a process that runs");
        child.kill().expect("killed");
        child.wait().expect("status")
    }

    /// Stops all that run, all at once.
    ///
    /// # Panics
    /// As [`stop`](Self::stop); or a log tells of a panic, which none may have.
    pub fn stop_all(&mut self) {
        self.check_running();
        let running = |process: &&mut Process| process.child.is_some();
        self.all.iter_mut().filter(running).for_each(|process| process.signal("TERM"));
        self.all.iter_mut().filter(running).for_each(Process::wait_end);
        for process in &self.all {
            let log = fs::read_to_string(&process.log).expect("a log");
            let panic = log.lines().find(|line| line.contains("panicked at"));
            assert_eq!(panic, None, "{} panicked", process.name);
        }
    }

    /// Ends the test well: nothing runs any more, and the logs are not needed.
    ///
    /// # Panics
    /// As [`stop_all`](Self::stop_all).
    pub fn finish(mut self) {
        self.stop_all();
        let _ = fs::remove_dir_all(&self.folder);
    }

    #[expect(clippy::print_stderr, reason = "a test that fails has no other way to say more")]
    fn tell(&self) {
        for process in &self.all {
            let log = fs::read_to_string(&process.log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("--- {}", process.log.display());
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                eprintln!("  {}", line.chars().take(LINE_CHARS).collect::<String>());
            }
        }
        eprintln!("--- Everything of this test is in {}", self.folder.display());
        eprintln!("--- To run it again: {}", self.again);
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let mut left = vec![];
        for process in &mut self.all {
            if let Some(mut child) = process.child.take() {
                let _ = child.kill();
                let _ = child.wait();
                left.push(process.name.as_str());
            }
        }
        if std::thread::panicking() {
            self.tell();
        } else {
            assert!(left.is_empty(), "the test has left these running: {}", left.join(", "));
        }
    }
}
