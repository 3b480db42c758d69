//! Processes that die at a named place of their work: `choreography/src/crash.rs` says how.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::binaries::{self, Build};
use crate::processes::{Instance, Processes};
use crate::service::Service;

/// The variable that names a point to die at.
pub const CRASH_AT: &str = "CHOREO_CRASH_AT";

/// The variable that names a point to stand still at.
pub const STALL_AT: &str = "CHOREO_STALL_AT";

/// The number of SIGKILL.
const SIGKILL: i32 = 9;

/// All points, as a service lists them when it is told one that it does not have.
///
/// # Panics
/// It does not list them, or starts.
#[must_use]
pub fn points() -> &'static [String] {
    static POINTS: OnceLock<Vec<String>> = OnceLock::new();
    POINTS.get_or_init(|| {
        let mut service = Command::new(binaries::path(Build::CrashPoints, Service::Order));
        let output = service
            .env_clear()
            .env("LOG_FORMAT", "text")
            .env(CRASH_AT, "nowhere")
            .output()
            .expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(1), "an unknown point is refused: {said}");
        let list = said.split("the points are: ").nth(1).and_then(|list| list.lines().next());
        let list = list.unwrap_or_else(|| panic!("no list of points: {said}"));
        list.split(", ").map(str::to_owned).collect()
    })
}

/// The points that a service reaches that gets orders by Kafka and over HTTP; those of timers, only
/// if its timers become due.
#[must_use]
pub fn points_of(service: Service) -> Vec<&'static str> {
    let reaches = |point: &str| match point.split_once('-') {
        Some(("timer", _)) => [Service::Order, Service::Logistics].contains(&service),
        Some(("request", _)) => service == Service::Order,
        Some(_) | None => true,
    };
    points().iter().map(String::as_str).filter(|point| reaches(point)).collect()
}

/// Whether a process that has ended with this status was killed at `point`.
///
/// # Panics
/// It has ended otherwise.
pub fn check_death(processes: &Processes, instance: Instance, point: &str, status: ExitStatus) {
    assert_eq!(status.signal(), Some(SIGKILL), "at {point}: ended with {status}");
    let log = processes.log(instance);
    let last = log.lines().rev().find_map(|line| line.strip_prefix("killed at the crash point "));
    assert_eq!(last, Some(point), "where it has died");
}

/// Within this time a point is reached.
const LIMIT: Duration = Duration::from_secs(90);

/// Kills each of the instances, and lets it die at its points, one after the other: each time it is
/// started again at once with the next one, and at last with none. All of them at the same time. Out:
/// how many deaths at points that was.
///
/// # Panics
/// A point is not reached in time, or an instance ends otherwise.
pub fn walk(processes: &mut Processes, all: &[(Instance, Vec<&str>)]) -> usize {
    let mut deaths = 0;
    let mut walks: Vec<Walk<'_>> = all.iter().map(|one| Walk::begin(processes, one)).collect();
    while !walks.is_empty() {
        for walk in &mut walks {
            deaths += usize::from(walk.has_died(processes));
        }
        walks.retain(|walk| walk.at.is_some());
        sleep(Duration::from_millis(20));
    }
    deaths
}

/// One instance on its way.
struct Walk<'a> {
    instance: Instance,
    left: VecDeque<&'a str>,
    /// Where it is to die, and since when it runs.
    at: Option<(&'a str, Instant)>,
}

impl<'a> Walk<'a> {
    fn begin(processes: &mut Processes, (instance, points): &(Instance, Vec<&'a str>)) -> Self {
        processes.kill(*instance);
        let left = points.iter().copied().collect();
        let mut walk = Self { instance: *instance, left, at: None };
        walk.go_on(processes);
        walk
    }

    fn go_on(&mut self, processes: &mut Processes) {
        self.at = self.left.pop_front().map(|point| {
            processes.start_again_with(self.instance, &[(CRASH_AT, point)]);
            (point, Instant::now())
        });
        if self.at.is_none() {
            processes.start_again(self.instance);
        }
    }

    /// Looks whether it has died; if so, it is started again.
    fn has_died(&mut self, processes: &mut Processes) -> bool {
        let Some((point, began)) = self.at else { return false };
        let Some(status) = processes.ended(self.instance) else {
            let id = processes.id(self.instance);
            assert!(began.elapsed() < LIMIT, "{point} is not reached within {LIMIT:?} by {id}");
            return false;
        };
        check_death(processes, self.instance, point, status);
        self.go_on(processes);
        true
    }
}
