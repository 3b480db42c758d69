//! Payload bytes: Avro in the Confluent wire format. Byte 0 is zero, bytes 1 to 4 are the id of the
//! writer's schema (big-endian), the rest is one Avro datum.
//!
//! The id of a bundled schema is a hash of it (see [`schema_id`]), so no registry is needed; an id
//! that is not bundled is one that a registry gave, see [`decode_with_writer`].
//!
//! Whatever the bytes are, reading them ends, does not panic and allocates at most 1 MiB for a
//! length that they only claim.

mod datum;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::Name;
use apache_avro::writer::datum::GenericDatumWriter;
use sha2::{Digest, Sha256};

use crate::event::Event;

/// The first byte of a value in the Confluent wire format.
const MAGIC: u8 = 0;

/// The length of the wire format's prefix: the magic byte and the schema id.
const PREFIX_BYTES: usize = 5;

/// The most bytes that a length in a datum may claim. No record is larger than this, see
/// [`topics`](crate::topics).
const ALLOCATION_BYTES_MAX: usize = 1024 * 1024;

/// Why an event has no bytes: it does not fit its own schema, which is a mistake in its struct.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not fit its schema: {why}")]
pub struct EncodeError {
    /// The event's name.
    pub event: &'static str,
    /// What does not fit.
    pub why: String,
}

/// Why bytes are not an event. All of these are poison: waiting does not change them, apart from
/// [`DecodeError::UnknownSchema`], which a registry may solve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The value is empty or null.
    #[error("the value is empty")]
    Tombstone,
    /// The value ends within the prefix.
    #[error("the value has {bytes} bytes, too few for the wire format")]
    TooShort {
        /// How many there are.
        bytes: usize,
    },
    /// The value is not in the wire format.
    #[error("the value begins with byte {found}, not with 0")]
    Magic {
        /// The first byte.
        found: u8,
    },
    /// No bundled schema has the id in the prefix.
    #[error("no schema with id {id} is known")]
    UnknownSchema {
        /// The id.
        id: u32,
    },
    /// The datum does not fit the writer's schema, or the event does not allow its values.
    #[error("not a {event}: {why}")]
    Malformed {
        /// The event's name.
        event: &'static str,
        /// What is wrong, without personal data.
        why: String,
    },
    /// There is something after the datum.
    #[error("{count} bytes follow the event")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
}

/// The schemas of all versions of one event. They live as long as the process.
pub struct Schemas {
    name: &'static str,
    newest: Version,
    older: Vec<Version>,
    writer: GenericDatumWriter<'static>,
}

/// One version of a schema, ready to read what was written with it.
struct Version {
    id: u32,
    schema: &'static Schema,
    reader: GenericDatumReader<'static>,
}

impl Schemas {
    /// Takes the texts of all versions of one event: first the one that events are written with.
    /// The others are read, be they older, or newer and not written yet.
    ///
    /// # Panics
    /// If there is no text, one is not an Avro record or refers to itself, or two have different
    /// names: the texts are part of the program.
    #[must_use]
    pub fn parse(texts: &[&str]) -> Self {
        limit_allocations();
        let mut versions = texts.iter().map(|text| Version::parse(text));
        let newest = versions.next().expect("an event has at least one schema");
        let older: Vec<Version> = versions.collect();
        for version in &older {
            assert_eq!(name_of(version.schema), name_of(newest.schema), "versions of one event");
        }
        let writer = GenericDatumWriter::builder(newest.schema).build();
        Self {
            name: name_of(newest.schema).expect("an event is a record").name(),
            newest,
            older,
            writer: writer.expect("a schema that was parsed has no open references"),
        }
    }

    /// The event's name: the name of the record, without its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// The id of the schema that events are written with.
    #[must_use]
    pub fn newest_id(&self) -> u32 {
        self.newest.id
    }

    /// Whether `id` is the id of one of the versions.
    #[must_use]
    pub fn knows(&self, id: u32) -> bool {
        self.version(id).is_some()
    }

    fn version(&self, id: u32) -> Option<&Version> {
        std::iter::once(&self.newest).chain(&self.older).find(|version| version.id == id)
    }
}

impl Version {
    /// The schema is never freed: its readers borrow it, and there is one per event and version.
    fn parse(text: &str) -> Self {
        let schema = Schema::parse_str(text).unwrap_or_else(|e| panic!("not a schema: {e}"));
        assert!(!refers_to_itself(&schema, &mut vec![]), "a schema must not refer to itself");
        let schema: &'static Schema = Box::leak(Box::new(schema));
        let reader = GenericDatumReader::builder(schema).build();
        Self {
            id: schema_id(schema),
            schema,
            reader: reader.expect("a schema that was parsed has no open references"),
        }
    }
}

fn name_of(schema: &Schema) -> Option<&Name> {
    if let Schema::Record(record) = schema { Some(&record.name) } else { None }
}

/// Whether a named type is used within its own definition. The nesting of such a datum is only
/// limited by its length, and reading it could overflow the stack.
fn refers_to_itself<'s>(schema: &'s Schema, within: &mut Vec<&'s Name>) -> bool {
    match schema {
        Schema::Record(record) => {
            within.push(&record.name);
            let found = record.fields.iter().any(|field| refers_to_itself(&field.schema, within));
            within.pop();
            found
        }
        Schema::Array(array) => refers_to_itself(&array.items, within),
        Schema::Map(map) => refers_to_itself(&map.types, within),
        Schema::Union(union) => union.variants().iter().any(|v| refers_to_itself(v, within)),
        Schema::Ref { name } => within.contains(&name),
        _ => false,
    }
}

/// The id of a schema without a registry: the first 32 bits of the SHA-256 of its parsing canonical
/// form, big-endian, with bit 31 cleared and bit 30 set. So it is a positive `int` in Java, and at
/// least 2^30, which a registry that counts from 1 does not reach.
///
/// The canonical form has no docs, defaults and logical types. Two schemas that differ only in
/// these share their id; the bytes of one can be read with the other.
#[must_use]
pub fn schema_id(schema: &Schema) -> u32 {
    let hash = Sha256::digest(canonical_form(schema).as_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) & 0x7FFF_FFFF | 0x4000_0000
}

/// The parsing canonical form. Avro's rules write a primitive type that had a logical type as
/// `"long"`; the library leaves `{"type":"long"}`.
fn canonical_form(schema: &Schema) -> String {
    let mut text = schema.canonical_form();
    for primitive in ["null", "boolean", "int", "long", "float", "double", "bytes", "string"] {
        text = text.replace(&format!(r#"{{"type":"{primitive}"}}"#), &format!(r#""{primitive}""#));
    }
    text
}

/// Limits what a length in a datum may make the Avro library allocate to 1 MiB. It may be called
/// again; the first limit that a process sets holds. [`Schemas::parse`] calls it, before any
/// decoding; call it first in `main` where something else uses the library.
pub fn limit_allocations() {
    apache_avro::util::max_allocation_bytes(ALLOCATION_BYTES_MAX);
}

/// The value of a record that holds this event, written with its newest schema.
///
/// # Errors
/// The event does not fit its schema.
pub fn encode<E: Event>(event: &E) -> Result<Vec<u8>, EncodeError> {
    let schemas = E::schemas();
    let mut value = Vec::with_capacity(256);
    value.push(MAGIC);
    value.extend_from_slice(&schemas.newest.id.to_be_bytes());
    match schemas.writer.write_ser(&mut value, event) {
        Ok(_) => Ok(value),
        Err(e) => Err(EncodeError { event: E::NAME, why: datum::why(&e) }),
    }
}

/// The event in a record's value, which any version of its schema may have written.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode<E: Event>(value: &[u8]) -> Result<E, DecodeError> {
    let id = writer_id(value)?;
    let schemas = E::schemas();
    let version = schemas.version(id).ok_or(DecodeError::UnknownSchema { id })?;
    let bytes = &value[PREFIX_BYTES..];
    if id == schemas.newest.id {
        datum::read(&version.reader, bytes)
    } else {
        datum::read_and_resolve(version.schema, &version.reader, schemas.newest.schema, bytes)
    }
}

/// The event in a record's value that `writer` was used to write: a schema that is not bundled and
/// that a registry gave for [`writer_id`]. The registry is trusted: the limits of this module do
/// not bound what arrays of arrays of empty items may claim.
///
/// # Errors
/// What is wrong with the bytes, or with `writer`: it is of another event, refers to itself, or
/// cannot be read as the newest bundled schema.
pub fn decode_with_writer<E: Event>(value: &[u8], writer: &Schema) -> Result<E, DecodeError> {
    writer_id(value)?;
    let newest = E::schemas().newest.schema;
    if name_of(writer) != name_of(newest) {
        return Err(datum::malformed::<E>("its schema is of something else"));
    }
    if refers_to_itself(writer, &mut vec![]) {
        return Err(datum::malformed::<E>("its schema refers to itself"));
    }
    let reader = GenericDatumReader::builder(writer).build();
    let reader = reader.map_err(|_| datum::malformed::<E>("its schema has open references"))?;
    datum::read_and_resolve(writer, &reader, newest, &value[PREFIX_BYTES..])
}

/// The id of the schema that a value was written with, from its prefix.
///
/// # Errors
/// The value is not in the wire format.
pub fn writer_id(value: &[u8]) -> Result<u32, DecodeError> {
    match *value {
        [] => Err(DecodeError::Tombstone),
        [MAGIC, a, b, c, d, ..] => Ok(u32::from_be_bytes([a, b, c, d])),
        [MAGIC, ..] => Err(DecodeError::TooShort { bytes: value.len() }),
        [found, ..] => Err(DecodeError::Magic { found }),
    }
}
