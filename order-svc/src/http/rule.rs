//! What a body may hold, as data: the same rule checks a request, says what would be right, and
//! is the schema in the document.

use serde_json::Value;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};

use super::json::Json;
use super::kinds::Kind;
use super::problem::Problem;

/// What a value has to be.
pub(super) enum Rule {
    /// A text.
    Text(Text),
    /// A whole number, both ends included. As JSON Schema says, 2.0 is one, too.
    Whole { min: i64, max: i64 },
    /// A list of equal things.
    List { min: usize, max: usize, of: &'static Rule },
    /// An object with these fields and no other.
    Object(&'static [Field]),
}

/// What a text has to be.
pub(super) struct Text {
    pub(super) chars_min: usize,
    pub(super) chars_max: usize,
    /// The most bytes of UTF-8.
    pub(super) bytes_max: usize,
    pub(super) allows: fn(char) -> bool,
    /// The same as `allows` as a regular expression of ECMA-262.
    pub(super) pattern: &'static str,
    /// What it is, such as "three capital letters".
    pub(super) is: &'static str,
    /// It is nobody's own words, so that one that does not fit may be shown.
    pub(super) is_code: bool,
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) about: &'static str,
    pub(super) rule: Rule,
}

impl Field {
    pub(super) const fn required(name: &'static str, about: &'static str, rule: Rule) -> Self {
        Self { name, required: true, about, rule }
    }

    pub(super) const fn optional(name: &'static str, about: &'static str, rule: Rule) -> Self {
        Self { name, required: false, about, rule }
    }
}

fn wrong(at: &str, detail: String) -> Problem {
    Problem::new(Kind::InvalidField, detail).field(at)
}

impl Rule {
    /// Checks a value. In: the value, and its JSON pointer. Out: the value, its whole numbers
    /// written as such.
    pub(super) fn read(&self, json: Json, at: &str) -> Result<Value, Problem> {
        let is_code = matches!(self, Self::Whole { .. } | Self::Text(Text { is_code: true, .. }));
        let no =
            |json: &Json| wrong(at, format!("must be {}, not {}", self.is(), json.shown(is_code)));
        match (self, json) {
            (Self::Text(rule), Json::Text(text)) if rule.fits(&text) => Ok(text.into()),
            (Self::Whole { min, max }, Json::Number(number)) => match whole(&number) {
                Some(value) if (*min..=*max).contains(&value) => Ok(value.into()),
                Some(_) | None => Err(no(&Json::Number(number))),
            },
            (Self::List { min, max, of }, Json::List(items)) => {
                if !(*min..=*max).contains(&items.len()) {
                    return Err(wrong(
                        at,
                        format!("must be {}, not of {}", self.is(), items.len()),
                    ));
                }
                let items = (0..).zip(items);
                items.map(|(n, item): (usize, Json)| of.read(item, &format!("{at}/{n}"))).collect()
            }
            (Self::Object(rules), Json::Object(fields)) => object(rules, fields, at),
            (Self::Text(_) | Self::Whole { .. } | Self::List { .. } | Self::Object(_), json) => {
                Err(no(&json))
            }
        }
    }

    fn is(&self) -> String {
        match self {
            Self::Text(rule) => rule.is.to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::List { min, max, .. } => format!("a list of {min} to {max}"),
            Self::Object(rules) => format!("an object with {}", names(rules)),
        }
    }

    /// The rule as JSON Schema.
    pub(super) fn schema(&self, about: &str) -> Schema {
        let about = Some(about).filter(|about| !about.is_empty());
        match self {
            Self::Text(rule) => ObjectBuilder::new()
                .schema_type(Type::String)
                .description(about)
                .min_length(Some(rule.chars_min))
                .max_length(Some(rule.chars_max))
                .pattern(Some(rule.pattern))
                .into(),
            #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
            Self::Whole { min, max } => ObjectBuilder::new()
                .schema_type(Type::Integer)
                .description(about)
                .minimum(Some(*min as f64))
                .maximum(Some(*max as f64))
                .into(),
            Self::List { min, max, of } => ArrayBuilder::new()
                .description(about)
                .items(RefOr::T(of.schema("")))
                .min_items(Some(*min))
                .max_items(Some(*max))
                .into(),
            Self::Object(fields) => {
                let start = ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .description(about)
                    .additional_properties(Some(AdditionalProperties::FreeForm(false)));
                let each = |object: ObjectBuilder, field: &Field| {
                    let object = object.property(field.name, field.rule.schema(field.about));
                    if field.required { object.required(field.name) } else { object }
                };
                fields.iter().fold(start, each).into()
            }
        }
    }
}

impl Text {
    pub(super) fn fits(&self, text: &str) -> bool {
        let chars = text.chars().count();
        (self.chars_min..=self.chars_max).contains(&chars)
            && text.len() <= self.bytes_max
            && text.chars().all(self.allows)
    }
}

/// Below 2^53 a float that has no fraction is exact; no rule allows more.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let exact = |float: &f64| float.fract() == 0.0 && float.abs() < EXACT_MAX;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
    number.as_i64().or_else(|| number.as_f64().filter(exact).map(|float| float as i64))
}

fn names(rules: &[Field]) -> String {
    rules.iter().map(|rule| rule.name).collect::<Vec<_>>().join(", ")
}

fn object(rules: &[Field], fields: Vec<(String, Json)>, at: &str) -> Result<Value, Problem> {
    let mut read = serde_json::Map::new();
    for (name, json) in fields {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        let Some(field) = rules.iter().find(|rule| rule.name == name) else {
            return Err(wrong(&at, format!("there is no such field, only {}", names(rules))));
        };
        let value = field.rule.read(json, &at)?;
        if read.insert(name, value).is_some() {
            return Err(wrong(&at, "the field is there twice; send it once".to_owned()));
        }
    }
    match rules.iter().find(|rule| rule.required && !read.contains_key(rule.name)) {
        None => Ok(read.into()),
        Some(rule) => {
            let detail = format!("the field is missing; it must be {}", rule.rule.is());
            Err(wrong(&format!("{at}/{}", rule.name), detail))
        }
    }
}
