//! The version that `choreo --version` says: with the commit, where that is known.

use std::path::Path;
use std::process::Command;

/// Whoever builds without git, as in an image or from an archive, may say the commit by this.
const COMMIT: &str = "CHOREO_COMMIT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let version = env!("CARGO_PKG_VERSION");
    let version = match given().or_else(checked_out) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=CHOREO_VERSION={version}");
}

#[expect(clippy::disallowed_methods, reason = "a build script has no other way to be told")]
fn given() -> Option<String> {
    let commit = std::env::var(COMMIT).ok()?;
    let is_plain = commit.chars().all(|c| c.is_ascii_graphic());
    (is_plain && !commit.is_empty()).then_some(commit)
}

/// The commit of this folder, unless it only lies in somebody else's repository, as an unpacked
/// archive may.
fn checked_out() -> Option<String> {
    (git(&["rev-parse", "--show-prefix"])? == "cli/").then_some(())?;
    // It grows with each commit and each switch, and with nothing else.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(args: &[&str]) -> Option<String> {
    let ran = Command::new("git").args(args).output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8(ran.stdout).ok()?.trim().to_owned())
}
