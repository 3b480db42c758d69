//! What processes cost, as Linux tells in `/proc`.

use std::fs;

/// The unit of times in `/proc`, on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// The CPU time of a process in seconds, user and system, with all of its children, those that have
/// ended included.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn seconds(process: u32) -> f64 {
    let all = processes();
    let own = all.iter().find(|one| one.id == process).expect("a process that runs");
    ticks_of_family(own, &all) / TICKS_PER_SECOND
}

/// The most memory that a process has had at once, in MiB.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn memory_peak_mib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib / 1024.0
}

/// Measures what several processes cost during one stretch of time.
pub struct Meter(Vec<(String, u32, f64)>);

impl Meter {
    /// Begins to measure these processes, each with its name.
    ///
    /// # Panics
    /// One of them does not run.
    pub fn start(processes: impl IntoIterator<Item = (String, u32)>) -> Self {
        Self(processes.into_iter().map(|(name, id)| (name, id, seconds(id))).collect())
    }

    /// A table: the CPU time of each process since the start for each thousand of `orders`, and the
    /// most memory that it has ever had.
    ///
    /// # Panics
    /// One of them does not run.
    #[must_use]
    pub fn table(&self, orders: usize) -> Vec<String> {
        let per_thousand = |seconds: f64| seconds * 1_000.0 / orders as f64;
        let mut lines = vec![format!("{:28} {:>12} {:>10}", "", "CPU s/1000", "peak MiB")];
        let mut total = 0.0;
        for (name, id, before) in &self.0 {
            let (spent, memory) = (per_thousand(seconds(*id) - before), memory_peak_mib(*id));
            total += spent;
            lines.push(format!("{name:28} {spent:12.2} {memory:10.0}"));
        }
        lines.push(format!("{:28} {total:12.2}", "all"));
        lines
    }
}

struct Process {
    id: u32,
    parent: u32,
    /// Its own, and those of its children that have ended.
    ticks: f64,
}

fn ticks_of_family(process: &Process, all: &[Process]) -> f64 {
    let children = all.iter().filter(|one| one.parent == process.id);
    process.ticks + children.map(|child| ticks_of_family(child, all)).sum::<f64>()
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(read).collect()
}

/// The fields after the name, which stands in brackets and may hold blanks, begin with the state;
/// see proc(5). `None`: it has ended meanwhile.
fn read(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<f64>().ok();
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Process { id, parent: fields.get(1)?.parse().ok()?, ticks })
}
