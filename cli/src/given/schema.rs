//! An event's schema as a guide: what stands at a path, and what is wrong with a JSON value.
//!
//! The codec would find most mistakes, too, one at a time and in the words of a library. This names
//! the place and what would be right.

use anyhow::{bail, ensure};
use serde_json::Value;

/// A part of a schema: the event itself, a field, or the elements of a list.
#[derive(Clone, Copy)]
pub(crate) struct Part<'s> {
    schema: &'s Value,
    /// What its field is for.
    doc: &'s str,
}

/// What a part holds.
pub(crate) enum Kind<'s> {
    /// Named fields.
    Record(&'s [Value]),
    /// A list, the elements of which are like this part.
    List(Part<'s>),
    /// One of some words.
    Word(&'s [Value]),
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// Something that no schema has yet: it is left to the codec.
    Other,
}

impl<'s> Part<'s> {
    /// The whole event.
    pub(crate) fn whole(schema: &'s Value) -> Self {
        Self { schema, doc: "" }
    }

    pub(crate) fn kind(self) -> Kind<'s> {
        let list = |name: &str| self.schema[name].as_array().map_or(&[][..], Vec::as_slice);
        match self.schema["type"].as_str().or(self.schema.as_str()).unwrap_or_default() {
            "record" => Kind::Record(list("fields")),
            "array" => Kind::List(Self { schema: &self.schema["items"], doc: self.doc }),
            "enum" => Kind::Word(list("symbols")),
            "string" => Kind::Text,
            "long" => Kind::Number,
            _ => Kind::Other,
        }
    }

    /// The part that one step of a path leads to: the name of a field, or the place in a list.
    ///
    /// # Errors
    /// There is none. `path` is the way up to here.
    pub(crate) fn step(self, step: &str, path: &str) -> anyhow::Result<Self> {
        match self.kind() {
            Kind::Record(fields) => match fields.iter().find(|field| name(field) == step) {
                Some(field) => Ok(part(field)),
                None => bail!(
                    "{}: there is no such field; there are {}",
                    join(path, step),
                    names(fields)
                ),
            },
            Kind::List(element) => {
                ensure!(
                    step.parse::<usize>().is_ok(),
                    "{path}: a place in the list is needed, such as {path}.0, not {step:?}"
                );
                Ok(element)
            }
            Kind::Word(_) | Kind::Text | Kind::Number | Kind::Other => {
                bail!("{path}: this is {}, there are no parts of it", self.describe())
            }
        }
    }

    /// The JSON value that a text on the command line stands for.
    ///
    /// # Errors
    /// It stands for none of this kind.
    pub(crate) fn parse(self, text: &str, path: &str) -> anyhow::Result<Value> {
        let parsed = match self.kind() {
            Kind::Text | Kind::Word(_) => Some(text.into()),
            Kind::Number => text.parse::<i64>().ok().map(Value::from),
            Kind::Record(_) | Kind::List(_) | Kind::Other => serde_json::from_str(text).ok(),
        };
        let Some(parsed) = parsed else { bail!(self.wrong(&format!("{text:?}"), path)) };
        self.check(&parsed, path)?;
        Ok(parsed)
    }

    /// Compares a value with the schema.
    ///
    /// # Errors
    /// The first difference, and what would be right. `path` is the way up to here.
    pub(crate) fn check(self, json: &Value, path: &str) -> anyhow::Result<()> {
        match (self.kind(), json) {
            (Kind::Record(fields), Value::Object(given)) => {
                for (name, value) in given {
                    self.step(name, path)?.check(value, &join(path, name))?;
                }
                match fields.iter().find(|field| !given.contains_key(name(field))) {
                    Some(field) => bail!(part(field).missing(&join(path, name(field)))),
                    None => Ok(()),
                }
            }
            (Kind::List(element), Value::Array(given)) => {
                given.iter().enumerate().try_for_each(|(place, value)| {
                    element.check(value, &join(path, &place.to_string()))
                })
            }
            (Kind::Word(words), Value::String(_)) if words.contains(json) => Ok(()),
            (Kind::Number, Value::Number(number)) if number.is_i64() => Ok(()),
            (Kind::Text, Value::String(_)) | (Kind::Other, _) => Ok(()),
            (_, json) => bail!(self.wrong(&json.to_string(), path)),
        }
    }

    fn wrong(self, given: &str, path: &str) -> String {
        let path = if path.is_empty() { "the event" } else { path };
        format!("{path}: {} is needed, not {given}{}", self.describe(), self.hint())
    }

    fn missing(self, path: &str) -> String {
        format!("{path}: it is missing; {} is needed{}", self.describe(), self.hint())
    }

    fn hint(self) -> String {
        if self.doc.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.doc.trim_end_matches('.'))
        }
    }

    fn describe(self) -> String {
        match self.kind() {
            Kind::Record(fields) => format!("an object with {}", names(fields)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Word(words) => {
                let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
                format!("one of {}", words.join(", "))
            }
            Kind::Text => "text".to_owned(),
            Kind::Number => "a whole number".to_owned(),
            Kind::Other => "something else".to_owned(),
        }
    }
}

/// A path with one step more: `lines` and `0` are `lines.0`.
pub(crate) fn join(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") }
}

fn part(field: &Value) -> Part<'_> {
    Part { schema: &field["type"], doc: field["doc"].as_str().unwrap_or_default() }
}

fn name(field: &Value) -> &str {
    field["name"].as_str().unwrap_or_default()
}

fn names(fields: &[Value]) -> String {
    fields.iter().map(name).collect::<Vec<_>>().join(", ")
}
