//! The counter as a process of its own, with signals, an exit code and a log.

use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};

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

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
    }
}

fn start(world: &World) -> Process {
    let (brokers, url) = (world.broker.brokers(), &world.store.url);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let http = port.local_addr().expect("address").to_string();
    drop(port);
    let arguments =
        ["counter", "-b", &brokers, "--database-url", url, "--http", &http, "--drain-time", "5s"];
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "process::as_a_process", "--nocapture"])
        .env(ARGUMENTS, arguments.join("\n"))
        .env("RUST_LOG", "info")
        .env("RUST_BACKTRACE", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Process(child.expect("started"))
}

/// Waits until it has ended. Out: its exit code and its log.
fn ended(mut process: Process) -> (Option<i32>, String) {
    let mut log = String::new();
    let mut stderr = process.0.stderr.take().expect("piped");
    let reading = std::thread::spawn(move || {
        stderr.read_to_string(&mut log).expect("text");
        log
    });
    let status = wait("the end", || process.0.try_wait().expect("a child"));
    (status.code(), reading.join().expect("read"))
}

#[test]
fn a_panic_is_one_line_of_the_log_and_sigterm_ends_it_well() {
    let world = World::new();
    let process = start(&world);
    world.place(&order("o-1", "PANIC"));
    world.place(&order("o-2", "EUR"));
    world.wait_for("inventory", 1);
    world.wait_for("orders.counter-svc.dlq", 1);
    let killed = Command::new("kill").arg(process.0.id().to_string()).status().expect("kill");
    assert!(killed.success());
    let (code, log) = ended(process);
    assert_eq!(code, Some(0), "{log}");
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("the order says so")).collect();
    assert_eq!(panics.len(), 2, "the panic, and its dead letter: {log}");
    assert!(panics[0].contains("panic: the order says so"), "{log}");
    assert!(log.lines().all(|line| line.contains("timestamp")), "no backtrace: {log}");
    assert_eq!(world.number("SELECT COUNT(*) FROM owed"), 0, "forgotten before the end");
}
