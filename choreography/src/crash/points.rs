//! The points, and what happens at one.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Signal, getpid, kill_process};

/// What a thread is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A batch that was taken from Kafka.
    Batch,
    /// Timers that are due.
    Timer,
    /// What was owed before.
    Again,
    /// What starts over HTTP.
    Request,
}

/// What was done last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Records were taken from Kafka, or timers were locked and deleted.
    Taken,
    /// A transaction was begun.
    Begun,
    /// What Kafka has acknowledged was deleted from `owed`.
    Forgotten,
    /// The ids were noted in `handled`.
    Handled,
    /// The keys were locked.
    Locked,
    /// What is owed was asked for.
    Owed,
    /// The service's state, or a page of what is owed, was loaded.
    Loaded,
    /// The service has decided.
    Reacted,
    /// All was saved.
    Saved,
    /// The transaction was committed.
    Committed,
    /// One answer was given to the client.
    Queued,
    /// Kafka has acknowledged one answer.
    Acknowledged,
    /// Kafka has acknowledged all answers.
    Said,
    /// Offsets were given to the client to be committed.
    Offsets,
    /// The row of an Idempotency-Key was committed.
    KeyKept,
    /// An event is about to be given to the client.
    Publishing,
    /// It was given to the client.
    Produced,
    /// Kafka has acknowledged it, and nobody was told.
    Published,
}

/// A point, by its name.
type Point = (&'static str, Work, Step);

/// All points. Who dies at each in this order and is started again reaches all: who has died at
/// `queued` owes something for sure. PostgreSQL gets what stands between `begun` and `loaded` in one go,
/// so that the points in between are different places on SQLite only.
const POINTS: &[Point] = &[
    ("taken", Work::Batch, Step::Taken),
    ("begun", Work::Batch, Step::Begun),
    ("forgotten", Work::Batch, Step::Forgotten),
    ("handled", Work::Batch, Step::Handled),
    ("locked", Work::Batch, Step::Locked),
    ("owed", Work::Batch, Step::Owed),
    ("loaded", Work::Batch, Step::Loaded),
    ("reacted", Work::Batch, Step::Reacted),
    ("saved", Work::Batch, Step::Saved),
    ("committed", Work::Batch, Step::Committed),
    ("queued", Work::Batch, Step::Queued),
    ("again-loaded", Work::Again, Step::Loaded),
    ("again-queued", Work::Again, Step::Queued),
    ("again-acknowledged", Work::Again, Step::Acknowledged),
    ("again-said", Work::Again, Step::Said),
    ("acknowledged", Work::Batch, Step::Acknowledged),
    ("said", Work::Batch, Step::Said),
    ("offsets", Work::Batch, Step::Offsets),
    ("timer-begun", Work::Timer, Step::Begun),
    ("timer-taken", Work::Timer, Step::Taken),
    ("timer-forgotten", Work::Timer, Step::Forgotten),
    ("timer-handled", Work::Timer, Step::Handled),
    ("timer-locked", Work::Timer, Step::Locked),
    ("timer-owed", Work::Timer, Step::Owed),
    ("timer-loaded", Work::Timer, Step::Loaded),
    ("timer-reacted", Work::Timer, Step::Reacted),
    ("timer-saved", Work::Timer, Step::Saved),
    ("timer-committed", Work::Timer, Step::Committed),
    ("timer-queued", Work::Timer, Step::Queued),
    ("timer-acknowledged", Work::Timer, Step::Acknowledged),
    ("timer-said", Work::Timer, Step::Said),
    ("request-key-kept", Work::Request, Step::KeyKept),
    ("request-publishing", Work::Request, Step::Publishing),
    ("request-produced", Work::Request, Step::Produced),
    ("request-published", Work::Request, Step::Published),
];

fn point(name: &str) -> anyhow::Result<Point> {
    let found = POINTS.iter().find(|(known, ..)| *known == name).copied();
    found.with_context(|| {
        let names: Vec<_> = POINTS.iter().map(|(name, ..)| *name).collect();
        format!("there is no point {name:?}; the points are: {}", names.join(", "))
    })
}

/// What is to happen in this process.
struct Armed {
    crash: Option<Crash>,
    stall: Option<Stall>,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

thread_local! {
    static DOING: Cell<Work> = const { Cell::new(Work::Batch) };
}

/// Reads the variables, once for the process.
///
/// # Errors
/// One of them is wrong; the text names it, and all points.
pub fn arm() -> anyhow::Result<()> {
    let armed = Armed { crash: variable("CHOREO_CRASH_AT")?, stall: variable("CHOREO_STALL_AT")? };
    ARMED.set(armed).ok().context("crash points are armed already")
}

#[expect(clippy::disallowed_methods, reason = "a user's build has no such setting to be shown")]
fn variable<T: FromStr<Err = anyhow::Error>>(name: &str) -> anyhow::Result<Option<T>> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    text.parse().map(Some).with_context(|| format!("{name}={text}"))
}

/// Stands still or dies, if it is to happen here.
pub fn reach(work: Option<Work>, step: Step) {
    let Some(armed) = ARMED.get() else { return };
    let doing = work.unwrap_or_else(|| DOING.get());
    DOING.set(doing);
    let is_here = |(_, work, of): Point| (work, of) == (doing, step);
    if let Some(stall) = armed.stall.as_ref().filter(|stall| is_here(stall.point)) {
        std::thread::sleep(stall.time());
    }
    if let Some(crash) = armed.crash.as_ref().filter(|crash| is_here(crash.point)) {
        crash.reached();
    }
}

struct Crash {
    point: Point,
    /// How often it is still to be reached.
    left: AtomicU32,
}

impl FromStr for Crash {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        let times = times.parse().ok().filter(|times| 0 < *times);
        let times = times.context("a crash is written POINT or POINT:N, with N from 1")?;
        Ok(Self { point: point(name)?, left: AtomicU32::new(times) })
    }
}

impl Crash {
    #[expect(clippy::print_stderr, reason = "what is logged may wait for a thread that dies, too")]
    fn reached(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            eprintln!("killed at the crash point {}", self.point.0);
            let _ = kill_process(getpid(), Signal::KILL);
            // Nobody comes here: that signal cannot be refused.
            std::process::abort();
        }
    }
}

struct Stall {
    point: Point,
    milliseconds: RangeInclusive<u64>,
    chance: Mutex<StdRng>,
}

impl FromStr for Stall {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (name, rest) = text.split_once(':')?;
            let (range, seed) = rest.split_once(':')?;
            let (from, to) = range.split_once("..")?;
            Some((name, from.parse().ok()?, to.parse().ok()?, seed.parse().ok()?))
        };
        let (name, from, to, seed) = parts()
            .filter(|(_, from, to, _)| from <= to)
            .context("a stall is written POINT:FROM..TO:SEED, with times in milliseconds")?;
        let chance = Mutex::new(StdRng::seed_from_u64(seed));
        Ok(Self { point: point(name)?, milliseconds: from..=to, chance })
    }
}

impl Stall {
    fn time(&self) -> Duration {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(chance.random_range(self.milliseconds.clone()))
    }
}
