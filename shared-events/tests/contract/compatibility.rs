//! Whether two versions of a schema read each other, and if not, which field breaks which rule and what
//! to do instead. apache-avro answers by yes, partly or no, and names a field only sometimes; so the
//! fields are walked here, and it decides about what is not a record.

use std::collections::BTreeSet;
use std::mem::discriminant;

use apache_avro::Schema;
use apache_avro::schema::RecordSchema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

/// One version, and how it is called in messages.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: &'a Schema,
}

/// Why not everything that one of the two wrote can be read as the other: a line for each field and
/// direction. Empty: they read each other.
pub(crate) fn breaks(older: Version<'_>, newer: Version<'_>) -> Vec<String> {
    let mut found = vec![];
    for (writer, reader) in [(older, newer), (newer, older)] {
        let walk = Walk { writer: writer.name, reader: reader.name };
        walk.look("", writer.schema, reader.schema, &mut found);
    }
    // What is wrong in both directions is told once.
    let mut told = BTreeSet::new();
    found.retain(|line: &String| {
        told.insert(line.rsplit_once(" (").map_or(line.clone(), |(why, _)| why.to_owned()))
    });
    found
}

/// One direction of reading.
struct Walk<'a> {
    writer: &'a str,
    reader: &'a str,
}

impl Walk<'_> {
    fn look(&self, at: &str, writer: &Schema, reader: &Schema, found: &mut Vec<String>) {
        match (writer, reader) {
            (Schema::Record(writer), Schema::Record(reader)) => {
                self.records(at, writer, reader, found);
            }
            (Schema::Array(writer), Schema::Array(reader)) => {
                self.look(&format!("{at}[]"), &writer.items, &reader.items, found);
            }
            _ => {
                if let Some(why) = unreadable(writer, reader) {
                    found.push(self.told(at, &why));
                }
            }
        }
    }

    fn records(
        &self,
        at: &str,
        writer: &RecordSchema,
        reader: &RecordSchema,
        found: &mut Vec<String>,
    ) {
        if writer.name != reader.name {
            found.push(self.told(at, "the record has another name; keep its name and namespace"));
            return;
        }
        for field in &reader.fields {
            let at =
                if at.is_empty() { field.name.clone() } else { format!("{at}.{}", field.name) };
            let written = writer.fields.iter().find(|written| written.name == field.name);
            match written {
                Some(written) => {
                    self.look(&at, &written.schema, &field.schema, found);
                    if let (Some(one), Some(other)) = (&written.default, &field.default)
                        && one != other
                    {
                        let mut both = [one.to_string(), other.to_string()];
                        both.sort();
                        let why = format!(
                            "its default is not the same in both versions, but {}: one record would \
                             mean two things; keep the default",
                            both.join(" and ")
                        );
                        found.push(self.told(&at, &why));
                    }
                }
                None if field.default.is_none() => {
                    let why = format!(
                        "{} does not have it, and {} has no default for it; give a new field a \
                         default, and never remove one that has none",
                        self.writer, self.reader
                    );
                    found.push(self.told(&at, &why));
                }
                None => (),
            }
        }
    }

    fn told(&self, at: &str, why: &str) -> String {
        let field = if at.is_empty() { "the event" } else { at };
        format!("field {field}: {why} ({} is written, {} is read)", self.writer, self.reader)
    }
}

/// Why not every value of `writer` is one of `reader`, neither of which is a record.
fn unreadable(writer: &Schema, reader: &Schema) -> Option<String> {
    let unions = [writer, reader].iter().any(|schema| matches!(schema, Schema::Union(_)));
    // Avro would read an int as a long, or bytes as a string; whoever knows the older type would not.
    if discriminant(writer) != discriminant(reader) && !unions {
        return Some(
            "its type is another one; keep the field, and add one of the new type with a default"
                .to_owned(),
        );
    }
    match (SchemaCompatibility::can_read(writer, reader), writer) {
        (Ok(Compatibility::Full), _) => None,
        (Ok(Compatibility::Partial) | Err(_), Schema::Enum(_)) => Some(
            "it has symbols that the other version has not, or another name; keep its name, and give \
             the enum a default symbol, from its first version on"
                .to_owned(),
        ),
        (Ok(Compatibility::Partial), _) => Some(
            "only some of its values can be read; keep the field, and add one of the new type with \
             a default"
                .to_owned(),
        ),
        (Err(error), _) => Some(format!(
            "{error}; keep the field, and add one of the new type with a default"
        )),
    }
}
