//! What was committed stays: every id that a record may carry belongs to a schema that is still
//! there, and every version can be read as every other.

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use shared_events::codec::schema_id;

use crate::files::{files, folder};

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
         change an event, keep the old text as schemas/<topic>/<Event>.<n>.avsc (1, 2, ...), name \
         it in the event! of the struct after the new one, and add the new id to the list; it \
         would be this:\n{wanted}"
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

/// Mode FULL_TRANSITIVE, without a registry.
#[test]
fn every_version_of_an_event_can_be_read_as_every_other() {
    let mut versions: BTreeMap<String, Vec<Schema>> = BTreeMap::new();
    for (path, schema) in files() {
        let event = path.split('.').next().expect("a path").to_owned();
        versions.entry(event).or_default().push(schema);
    }
    for (event, schemas) in versions {
        for writer in &schemas {
            for reader in &schemas {
                let result = SchemaCompatibility::can_read(writer, reader);
                assert!(
                    matches!(result, Ok(Compatibility::Full | Compatibility::Partial)),
                    "{event}: {result:?}"
                );
            }
        }
    }
}
