//! What a test says besides whether it holds.

use std::io::Write;

/// Says that a case was not run, and why. The test's own output is shown only when it fails; this is
/// shown always.
pub fn not_run(test: &str, case: &str, why: &str) {
    // Nobody is left to be told when it cannot be written.
    let _ = writeln!(std::io::stderr(), "NOT RUN: {test} {case}: {why}");
}

/// Says a figure to whoever runs the test with `--nocapture`.
#[expect(clippy::print_stderr, reason = "it is a figure, and no log")]
pub fn figure(figure: &str) {
    eprintln!("{figure}");
}
