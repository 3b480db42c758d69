//! One Avro datum into one event: directly if the newest schema wrote it, else by Avro's schema
//! resolution.

use std::io::{self, Read};

use apache_avro::error::Details;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema_compatibility::SchemaCompatibility;
use apache_avro::{Error, Schema, from_value};

use super::DecodeError;
use crate::event::Event;

/// The most characters of a reason in an error.
const WHY_CHARS_MAX: usize = 200;

/// The event that `reader`'s schema, the newest, wrote as `bytes`.
pub(super) fn read<E: Event>(
    reader: &GenericDatumReader<'_>,
    bytes: &[u8],
) -> Result<E, DecodeError> {
    let mut datum = Datum { rest: bytes, ended_early: false };
    let event = reader.read_deser(&mut datum);
    datum.check_end::<E>()?;
    let event = event.map_err(|e| malformed::<E>(&why(&e)))?;
    datum.check_rest()?;
    Ok(event)
}

/// The event that `writer` wrote as `bytes`, seen as `newest`.
pub(super) fn read_and_resolve<E: Event>(
    writer: &Schema,
    reader: &GenericDatumReader<'_>,
    newest: &Schema,
    bytes: &[u8],
) -> Result<E, DecodeError> {
    let mut datum = Datum { rest: bytes, ended_early: false };
    let value = reader.read_value(&mut datum);
    datum.check_end::<E>()?;
    let value = value.map_err(|e| malformed::<E>(&why(&e)))?;
    datum.check_rest()?;
    let value = value.resolve(newest).map_err(|_| malformed::<E>(&incompatible(writer, newest)))?;
    from_value(&value).map_err(|e| malformed::<E>(&why(&e)))
}

/// The bytes of a datum that are not read yet. It notes an early end, because the library takes a
/// text, a boolean or a union that is cut off for a null.
struct Datum<'a> {
    rest: &'a [u8],
    ended_early: bool,
}

impl Read for Datum<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.rest.read(buffer)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.ended_early |= self.rest.len() < buffer.len();
        self.rest.read_exact(buffer)
    }
}

impl Datum<'_> {
    fn check_end<E: Event>(&self) -> Result<(), DecodeError> {
        if self.ended_early { Err(malformed::<E>("the bytes end early")) } else { Ok(()) }
    }

    fn check_rest(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { count }),
        }
    }
}

pub(super) fn malformed<E: Event>(why: &str) -> DecodeError {
    DecodeError::Malformed { event: E::NAME, why: why.chars().take(WHY_CHARS_MAX).collect() }
}

/// The reason in an error of the library, without the schema that the library would print.
pub(super) fn why(error: &Error) -> String {
    match error.details() {
        Details::DeserializeSchemaAware { value, .. } => value.clone(),
        Details::DeserializeValue(text) | Details::SerializeValue(text) => text.clone(),
        Details::SerializeRecordFieldWithSchema { field_name, error, .. } => {
            format!("field {field_name}: {error}")
        }
        other => other.to_string(),
    }
}

/// Why `writer` does not resolve, from the schemas alone: the library's own reason would show
/// values, which may be personal data.
fn incompatible(writer: &Schema, newest: &Schema) -> String {
    match SchemaCompatibility::can_read(writer, newest) {
        Err(e) => e.to_string(),
        Ok(_) => "a value of an older version does not resolve".to_owned(),
    }
}
