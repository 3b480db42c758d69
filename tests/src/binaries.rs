//! The binaries of the services, as fresh as the sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::service::Service;

/// How the services are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// As users have them.
    Ordinary,
    /// With crash points: `choreography/src/crash.rs`.
    CrashPoints,
}

/// Where the binary of `service` is. The first call builds those that are not there or are older
/// than their sources, in the profile of the test itself, so that no test runs against stale ones;
/// and what is built meanwhile by somebody else does not change them, so that a test runs against
/// the same ones to its end.
///
/// # Panics
/// They cannot be built.
pub fn path(build: Build, service: Service) -> PathBuf {
    static ORDINARY: OnceLock<PathBuf> = OnceLock::new();
    static CRASH_POINTS: OnceLock<PathBuf> = OnceLock::new();
    let folder = match build {
        Build::Ordinary => ORDINARY.get_or_init(ordinary),
        Build::CrashPoints => CRASH_POINTS.get_or_init(with_crash_points),
    };
    folder.join(service.name())
}

/// The folder that everything is built into, with one folder for each profile in it.
pub fn target_folder() -> PathBuf {
    profile_folder().parent().expect("target/PROFILE").to_owned()
}

/// The profile of this test, as cargo's `--profile` takes it.
pub fn profile() -> String {
    match profile_folder().file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev".to_owned(),
        Some(name) => name.to_owned(),
    }
}

/// The top of the project.
pub fn project_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where cargo puts the binaries of this test's profile. A test is target/PROFILE/deps/TEST, an
/// example target/PROFILE/examples/EXAMPLE.
pub fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this test");
    own.parent().and_then(Path::parent).expect("target/PROFILE/…/TEST").to_owned()
}

/// What the command line tool prints for these arguments. It is built if it is not fresh.
///
/// # Panics
/// It fails.
#[must_use]
pub fn choreo(args: &[&str]) -> String {
    let output = choreo_ended(args);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "choreo {args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// How the command line tool ends for these arguments. It is built if it is not fresh.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn choreo_ended(args: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project_folder()).args(["run", "--quiet", "--profile", &profile()]);
    cargo.arg("--target-dir").arg(target_folder()).args(["-p", "cli", "--"]).args(args);
    cargo.output().expect("cargo starts")
}

/// Where the command line tool is. It is built if it is not fresh.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn choreo_path() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let _ = choreo(&["--version"]);
        profile_folder().join("choreo")
    };
    BUILT.get_or_init(build).clone()
}

fn ordinary() -> PathBuf {
    let folder = profile_folder();
    if !Service::ALL.iter().all(|service| is_fresh(&folder.join(service.name()))) {
        run_cargo(&target_folder(), &[]);
    }
    keep(&folder, "ordinary")
}

/// What is compiled goes where all is, and what is linked into a folder of its own, so that nobody
/// takes these binaries for the ordinary ones.
fn with_crash_points() -> PathBuf {
    let target = target_folder().join("tests").join("crash-points");
    run_cargo(&target, &["--features", "crash-points"]);
    keep(&target.join(profile_folder().file_name().expect("target/PROFILE")), "crash-points")
}

/// Links to the binaries in `folder`, for this process alone.
fn keep(folder: &Path, name: &str) -> PathBuf {
    let tests = target_folder().join("tests");
    sweep(&tests);
    let own = tests.join(format!("{BINARIES}{}", std::process::id())).join(name);
    fs::create_dir_all(&own).expect("a folder for binaries");
    for service in Service::ALL {
        let link = own.join(service.name());
        let _ = fs::remove_file(&link);
        // Cargo and the linker make new files, and never write into old ones.
        fs::hard_link(folder.join(service.name()), link).expect("a link to a binary");
    }
    own
}

/// Whether a binary is newer than all that it is made of. A run of all tests has built it already,
/// and Cargo would build it once more: with the features that the services need by themselves.
fn is_fresh(binary: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    // Beside it Cargo says what it was made of: `BINARY: SOURCE SOURCE …`.
    let listed = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let Some((built, (_, sources))) = modified(binary).zip(listed.trim().split_once(": ")) else {
        return false;
    };
    let folders = fs::read_dir(project_folder()).into_iter().flatten().flatten();
    let manifests =
        folders.map(|entry| entry.path().join("Cargo.toml")).filter(|path| path.exists());
    let top = ["Cargo.toml", "Cargo.lock"].map(|name| project_folder().join(name));
    let mut all = sources.split(' ').map(PathBuf::from).chain(manifests).chain(top);
    all.all(|path| modified(&path).is_some_and(|changed| changed <= built))
}

/// `target` gets what is linked.
fn run_cargo(target: &Path, features: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project_folder()).args(["build", "--quiet", "--profile", &profile()]);
    cargo.arg("--target-dir").arg(target).env("CARGO_BUILD_BUILD_DIR", target_folder());
    cargo.args(features);
    for service in Service::ALL {
        cargo.args(["-p", service.name()]);
    }
    let ended = cargo.status().expect("cargo starts");
    assert!(ended.success(), "the services do not build: {cargo:?}");
}

/// The folder of a process begins with this, its id follows.
const BINARIES: &str = "binaries-";

/// Deletes what ended processes have left.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let gone = |id: &str| !Path::new("/proc").join(id).exists();
        if name.strip_prefix(BINARIES).is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
