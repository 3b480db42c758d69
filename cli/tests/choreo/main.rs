//! The binary as a user runs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;

mod place;

mod emit;

mod input;

mod tail;

mod dlq;

mod load;

mod check;

mod usage;

mod world;

mod server;

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a run of `choreo` ended with.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs `choreo` with nothing on standard input. The environment of the test does not reach it.
pub fn choreo(args: &[&str]) -> Run {
    run(args, None, &[])
}

/// Runs `choreo` with `input` in a pipe on standard input.
pub fn choreo_with(args: &[&str], input: Option<&str>) -> Run {
    run(args, input, &[])
}

/// Runs `choreo` with these properties of librdkafka in the environment.
pub fn choreo_where(properties: &str, args: &[&str]) -> Run {
    run(args, None, &[("KAFKA_PROPERTIES", properties)])
}

fn run(args: &[&str], input: Option<&str>, environment: &[(&str, &str)]) -> Run {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = start(args, stdin, environment);
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // A run that refuses its arguments does not read.
        let _ = pipe.write_all(input.as_bytes());
    }
    end(child)
}

/// Runs `choreo` until `is_time`, which is asked again and again, then presses Ctrl-C.
pub fn choreo_interrupted(args: &[&str], is_time: impl Fn() -> bool) -> Run {
    let began = Instant::now();
    let child = start(args, Stdio::null(), &[]);
    while !is_time() {
        assert!(began.elapsed() < Duration::from_secs(60), "{args:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    end(child)
}

fn start(args: &[&str], input: Stdio, environment: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_choreo"));
    command.args(args).env_clear().envs(environment.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(input).spawn().unwrap()
}

fn end(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// The same, if it ended well; else the test fails with what the run said.
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }
}
