//! Who may know what. These are the rules that keep a service one page and the runtime free of
//! business; each is checked on the text of the sources, so that breaking one fails here by name.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// All services, as the workspace finds them: so a new one is held to the rules from its first day.
fn services() -> Vec<String> {
    let entries = fs::read_dir(root()).expect("a folder").map(|entry| entry.expect("an entry"));
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut services: Vec<_> = names.filter(|name| name.ends_with("-svc")).collect();
    services.sort();
    assert!(4 <= services.len(), "{services:?}");
    services
}

/// All files below `folder` with this extension, each with its text.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let name = path.strip_prefix(root()).expect("inside").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found.sort();
    found
}

/// The lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim_start()))
        .filter(|(_, line)| !line.starts_with("//"))
}

/// The crates that a crate's manifest names, in any of its tables of dependencies.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("Cargo.toml");
    let mut inside = false;
    let mut names = vec![];
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.push(name.to_owned());
        }
    }
    names
}

fn none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn a_service_knows_neither_kafka_nor_telemetry_nor_another_service() {
    let mut broken = vec![];
    let services = services();
    for service in &services {
        for name in dependencies(service) {
            let other = services.contains(&name);
            if other
                || ["rdkafka", "opentelemetry", "sqlx", "tokio-postgres"]
                    .iter()
                    .any(|b| name.starts_with(b))
            {
                broken.push(format!("{service}/Cargo.toml depends on {name}"));
            }
        }
        for (file, text) in files(&format!("{service}/src"), "rs") {
            for (number, line) in code(&text) {
                if ["rdkafka", "opentelemetry", "sqlx::", "tokio_postgres"]
                    .iter()
                    .any(|banned| line.contains(banned))
                {
                    broken.push(format!("{file}:{number}: {line}"));
                }
            }
        }
    }
    none("a service hears, decides and says; how is the runtime's business", broken);
}

#[test]
fn a_service_matches_every_variant() {
    let lint = "#![warn(clippy::wildcard_enum_match_arm)]";
    let file = |service: String| format!("{service}/src/lib.rs");
    let text = |file: &String| fs::read_to_string(root().join(file)).expect("lib.rs");
    let without = services().into_iter().map(file).filter(|file| !text(file).contains(lint));
    none(&format!("a service says {lint}"), without.collect());
}

#[test]
fn decisions_import_only_the_contract() {
    let allowed = ["std::", "crate::", "shared_events::", "choreography::service::"];
    // What is kept as text has to say how.
    let state = ["serde::"];
    let mut broken = vec![];
    for service in services() {
        for file in ["react.rs", "state.rs"] {
            let path = root().join(&service).join("src").join(file);
            let text = fs::read_to_string(&path).expect("a service has this file");
            for (number, line) in code(&text) {
                let Some(import) = line.strip_prefix("use ") else { continue };
                let also =
                    file == "state.rs" && state.iter().any(|start| import.starts_with(start));
                if !also && !allowed.iter().any(|start| import.starts_with(start)) {
                    broken.push(format!("{service}/src/{file}:{number}: {line}"));
                }
                if line.contains(".await") || line.contains("async ") {
                    broken.push(format!("{service}/src/{file}:{number}: {line}"));
                }
            }
        }
    }
    none("a decision is pure: no clock, no input or output, no framework", broken);
}

#[test]
fn the_runtime_knows_no_business_word() {
    let words =
        ["OrderPlaced", "order_id", "Stock", "Shipment", "Seller", "sku", "inventory", "logistics"];
    let mut broken = vec![];
    for (file, text) in
        files("choreography/src", "rs").into_iter().chain(files("choreography/migrations", "sql"))
    {
        for (number, line) in code(&text) {
            if words.iter().any(|word| line.contains(word)) {
                broken.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    none("the runtime serves any choreography", broken);
}

#[test]
fn the_contract_does_no_input_or_output() {
    let banned =
        ["tokio", "futures", "rdkafka", "sqlx", "axum", "tracing", "opentelemetry", "choreography"];
    let broken = dependencies("shared-events")
        .into_iter()
        .filter(|name| banned.contains(&name.as_str()))
        .map(|name| format!("shared-events/Cargo.toml depends on {name}"));
    none("the contract is data: whoever reads it needs no runtime", broken.collect());
}

/// The simulated world gives its time and its chance to the decisions as arguments; the runtime is
/// allowed for the types that a decision takes, and no more.
#[test]
fn the_simulated_world_has_no_broker_no_database_and_no_clock() {
    let banned =
        ["tokio", "futures", "rdkafka", "sqlx", "axum", "opentelemetry", "time", "tempfile"];
    let mut broken: Vec<String> = dependencies("world")
        .into_iter()
        .filter(|name| banned.contains(&name.as_str()))
        .map(|name| format!("world/Cargo.toml depends on {name}"))
        .collect();
    let words =
        ["choreography::", "Instant", "SystemTime", "std::fs", "std::net", "rand::rng(", "async "];
    let decisions =
        ["choreography::service::", "choreography::manifest::", "choreography::events!"];
    for (file, text) in files("world/src", "rs") {
        for (number, line) in code(&text) {
            let foreign = decisions.iter().fold(line.to_owned(), |line, of| line.replace(of, ""));
            if words.iter().any(|word| foreign.contains(word)) {
                broken.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    none("a seed gives the same world again, anywhere", broken);
}

/// It reads rows in a transaction that is given to it, and takes records and times as arguments.
#[test]
fn the_checker_only_judges() {
    let banned = ["tokio", "rdkafka", "sqlx", "tokio-postgres", "clap", "opentelemetry"];
    let named = dependencies("checker").into_iter().filter(|name| banned.contains(&name.as_str()));
    let mut broken: Vec<String> =
        named.map(|name| format!("checker/Cargo.toml depends on {name}")).collect();
    for (file, text) in files("checker/src", "rs") {
        let clocks = ["Instant::now", "SystemTime", "clock::", "std::fs", "std::net"];
        for (number, line) in code(&text) {
            if clocks.iter().any(|word| line.contains(word)) {
                broken.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    none("the same evidence has the same verdict, whoever brings it", broken);
}

/// Anybody who reaches the broker can ask: no service and no database has to answer.
#[test]
fn the_flow_of_an_order_is_read_from_kafka_alone() {
    let banned = ["sqlx", "tokio-postgres", "axum", "ureq", "clap"];
    let foreign = |name: &String| name.ends_with("-svc") || banned.contains(&name.as_str());
    let broken = dependencies("flow")
        .into_iter()
        .filter(foreign)
        .map(|name| format!("flow/Cargo.toml depends on {name}"));
    none("what Kafka keeps is enough to tell who used a message", broken.collect());
}

#[test]
fn opentelemetry_is_named_in_one_place() {
    let mut broken = vec![];
    for (file, text) in files("choreography/src", "rs") {
        let here = file.starts_with("choreography/src/telemetry/");
        for (number, line) in
            code(&text).filter(|(_, line)| !here && line.contains("opentelemetry"))
        {
            broken.push(format!("{file}:{number}: {line}"));
        }
    }
    none("only choreography/src/telemetry names OpenTelemetry", broken);
}

#[test]
fn the_page_is_a_page() {
    let ours = [
        "choreography",
        "shared-events",
        "checker",
        "flow",
        "cli",
        "models",
        "world",
        "tests",
        "fuzz",
    ];
    let mut broken = vec![];
    for folder in ours.map(str::to_owned).into_iter().chain(services()) {
        for (file, text) in files(&folder, "rs") {
            let limit = match file.rsplit('/').next() {
                Some("main.rs") if file.contains("-svc/src/") => 25,
                Some("react.rs") if file.contains("/src/") => 140,
                _ => 300,
            };
            let lines = text.lines().count();
            if limit < lines {
                broken.push(format!("{file} has {lines} lines, at most {limit} are allowed"));
            }
        }
    }
    none("a long file hides a missing idea", broken);
}

/// The events that a manifest gives to one of its methods: `.hears::<OrderPlaced>(…)`.
fn declared<'a>(text: &'a str, method: &str) -> Vec<&'a str> {
    let start = format!(".{method}::<");
    let calls = text.split(start.as_str()).skip(1);
    calls.filter_map(|call| call.split_once('>').map(|(event, _)| event)).collect()
}

#[test]
fn a_services_table_names_what_its_manifest_declares() {
    let mut broken = vec![];
    for service in services() {
        let file = format!("{service}/src/lib.rs");
        let text = fs::read_to_string(root().join(&file)).expect("lib.rs");
        let rows: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.strip_prefix("//! |")?.split_once('|')).collect();
        let hears = [declared(&text, "hears"), declared(&text, "timer")].concat();
        let says = declared(&text, "says");
        assert!(!hears.is_empty(), "{file} has no manifest that this test can read");
        let heard = |name: &str| rows.iter().any(|(hears, _)| hears.contains(name));
        let said = |name: &str| rows.iter().any(|(_, says)| says.contains(name)) || heard(name);
        for name in hears.iter().filter(|name| !heard(name)) {
            broken.push(format!("{file}: the table does not say that it hears {name}"));
        }
        for name in says.iter().filter(|name| !said(name)) {
            broken.push(format!("{file}: the table does not say that it says {name}"));
        }
        for word in rows.iter().skip(2).flat_map(|(hears, _)| hears.split([' ', ',', '(', ')'])) {
            if word.starts_with(char::is_uppercase) && !hears.contains(&word) {
                broken.push(format!(
                    "{file}: the table says that it hears {word}, the manifest does not"
                ));
            }
        }
    }
    none("the table at the head of a service is true", broken);
}
