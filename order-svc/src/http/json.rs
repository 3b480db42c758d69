//! JSON as it was sent: nothing is lost, so that a field that is there twice is seen.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::kinds::Kind;
use super::problem::Problem;

/// A JSON value.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    /// In the order in which they were sent; a name may be there twice.
    Object(Vec<(String, Json)>),
}

/// Reads a whole body. Deeper than 128 levels nothing is read, which is serde_json's limit.
pub(super) fn parse(body: &[u8]) -> Result<Json, Problem> {
    let wrong = |detail: String| Problem::new(Kind::MalformedJson, detail).field("");
    if body.is_empty() {
        return Err(wrong("the body is empty; send a JSON object".to_owned()));
    }
    if body.starts_with(b"\xEF\xBB\xBF") {
        let detail = "the body begins with a byte order mark (EF BB BF); send UTF-8 without one";
        return Err(wrong(detail.to_owned()));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        wrong(format!("the body is not UTF-8: see the byte at offset {}", error.valid_up_to()))
    })?;
    serde_json::from_str(text).map_err(|error| wrong(format!("the body is not JSON: {error}")))
}

impl Json {
    /// How a value is called in a message. A text is shown only where it `is_code` that is asked for, and cut;
    /// else it may be somebody's name or address, and a message goes further than who has sent it.
    pub(super) fn shown(&self, is_code: bool) -> String {
        const CHARS_MAX: usize = 40;
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) if !is_code => {
                format!("a text of {} characters", text.chars().count())
            }
            Self::Text(text) if text.chars().count() <= CHARS_MAX => format!("{text:?}"),
            Self::Text(text) => {
                format!("{:?}…", text.chars().take(CHARS_MAX).collect::<String>())
            }
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = vec![];
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut fields = vec![];
        while let Some(field) = object.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}
