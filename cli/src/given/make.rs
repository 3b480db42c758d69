//! From a JSON value to an event.

use anyhow::Context;
use serde_json::Value;

use super::Given;
use super::events::{Encoded, KnownEvent};
use super::input::Input;
use super::schema::Part;
use super::set::Setting;
use super::template;

/// Makes events from JSON values.
pub(crate) struct Maker {
    pub(crate) known: &'static KnownEvent,
    schema: Value,
    template: Value,
    settings: Vec<Setting>,
}

impl Maker {
    /// # Errors
    /// The schema is no JSON.
    pub(crate) fn new(
        known: &'static KnownEvent,
        given: &Given,
        input: &Input,
    ) -> anyhow::Result<Self> {
        let schema = serde_json::from_str(known.schema).context("the schema")?;
        let template = match input {
            Input::Template { .. } => template::template(known.name),
            Input::File { .. } | Input::Stdin => Value::Null,
        };
        Ok(Self { known, schema, template, settings: given.settings.clone() })
    }

    /// The event for a value of the input, with that value as it is now.
    ///
    /// # Errors
    /// What is wrong with the value, where, and what would be right.
    pub(crate) fn make(&self, mut json: Value) -> anyhow::Result<(Value, Encoded)> {
        let whole = Part::whole(&self.schema);
        for setting in &self.settings {
            setting.apply(whole, &mut json, &self.template)?;
        }
        template::identify(self.known.name, &mut json);
        whole.check(&json, "")?;
        let encoded = (self.known.encode)(&json)?;
        Ok((json, encoded))
    }

    /// What the user has not said, if anything.
    pub(crate) fn note(&self, input: &Input) -> Option<String> {
        let set: Vec<&str> = self.settings.iter().map(|setting| setting.path.as_str()).collect();
        let mut notes = vec![];
        notes.extend(input.note().map(str::to_owned));
        let left = template::defaults_left(&self.template, &set);
        if !left.is_empty() {
            notes.push(format!("by default {}", left.join(" ")));
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}
