//! The counter as a process of its own, with signals, an exit code and a log.

use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::JoinHandle;

use super::counter::Counter;
use super::harness::{World, wait};
use super::records::order;

/// In the environment of the process: its arguments, one on each line.
const ARGUMENTS: &str = "COUNTER_ARGUMENTS";

/// This test is the process, if it is told so.
#[test]
fn as_a_process() {
    let Some(arguments) = std::env::var_os(ARGUMENTS) else { return };
    let arguments = arguments.into_string().expect("text");
    let config = super::harness::parse(&arguments.lines().collect::<Vec<_>>());
    let code = choreography::main(config, || Ok(Counter));
    let good = format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS);
    std::process::exit(if good { 0 } else { 1 });
}

struct Process {
    child: Child,
    /// What reads its log, all the while: else it would stand still once nobody takes its lines.
    log: Option<JoinHandle<String>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
    }
}

/// Starts the counter; `level` is what it logs.
fn start(world: &World, level: &str) -> Process {
    let (brokers, url) = (world.broker.brokers(), &world.store.url);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let http = port.local_addr().expect("address").to_string();
    drop(port);
    let arguments =
        ["counter", "-b", &brokers, "--database-url", url, "--http", &http, "--drain-time", "5s"];
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "process::as_a_process", "--nocapture"])
        .env(ARGUMENTS, arguments.join("\n"))
        .env("RUST_LOG", level)
        .env("RUST_BACKTRACE", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stderr = child.stderr.take().expect("piped");
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).expect("text");
        log
    });
    Process { child, log: Some(log) }
}

/// Tells it to end, and waits until it has. Out: its exit code and its log.
fn end(mut process: Process) -> (Option<i32>, String) {
    let killed = Command::new("kill").arg(process.child.id().to_string()).status().expect("kill");
    assert!(killed.success());
    let status = wait("the end", || process.child.try_wait().expect("a child"));
    (status.code(), process.log.take().expect("a log").join().expect("read"))
}

#[test]
fn a_panic_is_one_line_of_the_log_and_sigterm_ends_it_well() {
    let world = World::new();
    let process = start(&world, "info");
    world.place(&order("o-1", "PANIC"));
    world.place(&order("o-2", "EUR"));
    world.wait_for("inventory", 1);
    world.wait_for("orders.counter-svc.dlq", 1);
    let (code, log) = end(process);
    assert_eq!(code, Some(0), "{log}");
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("the order says so")).collect();
    assert_eq!(panics.len(), 2, "the panic, and its dead letter: {log}");
    assert!(panics[0].contains("panic: the order says so"), "{log}");
    assert!(log.lines().all(|line| line.contains("timestamp")), "no backtrace: {log}");
    assert_eq!(world.number("SELECT COUNT(*) FROM owed"), 0, "forgotten before the end");
}

#[test]
fn no_name_is_in_the_log_or_beside_a_dead_letter() {
    names_stay_inside(&World::new());
}

/// A decision that panics over a name, a database that refuses one, and every library telling all that
/// it does: nowhere is the name but in the values of records, and in the database.
pub(crate) fn names_stay_inside(world: &World) {
    const NAME: &str = "Zebrafink";
    let process = start(world, "trace");
    let names =
        [("EUR", NAME.to_owned()), ("NAME", NAME.to_owned()), ("EUR", format!("{NAME} \0"))];
    for (n, (currency, name)) in names.into_iter().enumerate() {
        let mut placed = order(&format!("o-{n}"), currency);
        placed.ship_to.name = name;
        world.place(&placed);
    }
    world.wait_for("inventory", 1);
    let letters = world.wait_for("orders.counter-svc.dlq", 2);
    let (code, log) = end(process);
    assert_eq!(code, Some(0), "{log}");
    let mut why: Vec<_> = letters.iter().filter_map(|letter| letter.header("dlq-error")).collect();
    why.sort();
    assert_eq!(
        why,
        ["U+0000 in the text of column note", "its text is not shown, see where it was"]
    );
    for (name, value) in letters.iter().flat_map(|letter| &letter.headers) {
        let value = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
        assert!(!value.contains(NAME), "header {name}: {value}");
    }
    let panic = log.lines().find(|line| line.contains("panic: its text is not shown"));
    assert!(panic.is_some_and(|line| line.contains("counter.rs")), "the log tells where it was");
    assert!(log.contains("TRACE"), "all is told");
    let told = log.lines().find(|line| line.contains(NAME));
    assert_eq!(told, None);
}
