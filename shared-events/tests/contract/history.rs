//! What was committed stays: every id that a record may carry belongs to a schema that is still
//! there, and every version can be read as every other.

use std::collections::BTreeMap;

use apache_avro::Schema;
use shared_events::codec::schema_id;

use crate::compatibility::{Version, breaks};
use crate::files::{Texts, files, folder, kept, written};

/// `schemas/ids.json` is also what producers in other languages take the ids from.
#[test]
fn every_id_is_listed_and_every_listed_id_is_there() {
    let listed = std::fs::read_to_string(folder().join("ids.json")).expect("schemas/ids.json");
    let mut ids: Vec<(String, String)> = files()
        .iter()
        .map(|(path, schema)| (path.clone(), schema_id(schema).to_string()))
        .collect();
    ids.sort();
    let lines: Vec<String> = ids.iter().map(|(path, id)| format!("  {id:?}: {path:?}")).collect();
    let wanted = format!("{{\n{}\n}}\n", lines.join(",\n"));
    assert_eq!(
        listed, wanted,
        "schemas/ids.json is not the list of the files in schemas/. A schema that is committed is \
         never edited, and no id ever leaves the list: records with it are kept in topics. To \
         change an event see \"Changing an event\" in CONTRIBUTING.md. The list would be this:\n\
         {wanted}"
    );
}

#[test]
fn no_two_schemas_share_an_id() {
    let mut by_id: BTreeMap<u32, String> = BTreeMap::new();
    for (path, schema) in files() {
        if let Some(other) = by_id.insert(schema_id(&schema), path.clone()) {
            panic!("{path} and {other} have the same id");
        }
    }
}

/// The gate: mode FULL_TRANSITIVE, without a registry.
#[test]
fn every_version_that_was_committed_is_kept_and_reads_every_other() {
    let found = judge(&written(), &kept());
    assert!(
        found.is_empty(),
        "schemas/ is FULL_TRANSITIVE: every version of an event reads every other one, and none is \
         ever edited or removed, as records of it are in topics. See \"Changing an event\" in \
         CONTRIBUTING.md; what cannot be done that way is a new event.\n\n{}\n",
        found.join("\n")
    );
}

/// Compares the versions that are written, by their paths such as `orders/OrderPlaced.avsc`, with all
/// that are kept, such as `history/orders/OrderPlaced.1.avsc`. Out: what is wrong, a line each.
pub(crate) fn judge(written: &Texts, kept: &Texts) -> Vec<String> {
    let mut found = vec![];
    for (path, text) in written {
        let event = path.trim_end_matches(".avsc");
        let versions = versions(kept, event);
        check_numbers(event, &versions, &mut found);
        let is_kept = versions.iter().any(|(_, kept)| *kept == text);
        if !is_kept {
            let next = format!("schemas/history/{event}.{}.avsc", versions.len() + 1);
            found.push(format!(
                "schemas/{path} is none of the versions in schemas/history/. If it is a new one, add it \
                 there, as {next}; a version that is there is never edited, be it for its words"
            ));
        }
        let mut all: Vec<(&str, Schema)> =
            versions.iter().map(|(path, text)| (*path, parse(path, text))).collect();
        all.extend((!is_kept).then(|| (path.as_str(), parse(path, text))));
        for (n, (newer, schema)) in all.iter().enumerate() {
            for (older, of_older) in &all[..n] {
                let older = Version { name: older, schema: of_older };
                let newer = Version { name: newer, schema };
                let broken = breaks(older, newer);
                found.extend(broken.iter().map(|why| format!("schemas/{}: {why}", newer.name)));
            }
        }
    }
    let gone = kept.keys().filter(|path| !written.contains_key(&newest_of(path)));
    found.extend(gone.map(|path| {
        format!("schemas/{} is gone, of which schemas/{path} is a version", newest_of(path))
    }));
    found
}

/// The versions of `event`, such as `orders/OrderPlaced`, in their order.
fn versions<'t>(kept: &'t Texts, event: &str) -> Vec<(&'t str, &'t String)> {
    let start = format!("history/{event}.");
    let of_event = kept.iter().filter(|(path, _)| path.starts_with(&start));
    let mut versions: Vec<_> = of_event.map(|(path, text)| (path.as_str(), text)).collect();
    versions.sort_by_key(|(path, _)| number(path));
    versions
}

fn number(path: &str) -> Option<usize> {
    path.rsplit('.').nth(1)?.parse().ok()
}

fn newest_of(path: &str) -> String {
    let event = path.trim_start_matches("history/").split('.').next().expect("a path");
    format!("{event}.avsc")
}

fn check_numbers(event: &str, versions: &[(&str, &String)], found: &mut Vec<String>) {
    for (wanted, (path, _)) in (1..).zip(versions) {
        if number(path) != Some(wanted) {
            found.push(format!("schemas/{path}: version {wanted} of {event} is to stand here"));
        }
    }
}

fn parse(path: &str, text: &str) -> Schema {
    Schema::parse_str(text).unwrap_or_else(|error| panic!("schemas/{path} is no schema: {error}"))
}
