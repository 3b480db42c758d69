//! `--set lines.0.sku=teapot`: one value of an event.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::schema::{Kind, Part, join};

/// What is to stand at a place of the event.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Names of fields and places in lists, with dots between them.
    pub(crate) path: String,
    text: String,
}

impl FromStr for Setting {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (path, text) = text
            .split_once('=')
            .filter(|(path, _)| !path.is_empty())
            .context("a value is set by PATH=VALUE, such as lines.0.sku=teapot")?;
        Ok(Self { path: path.to_owned(), text: text.to_owned() })
    }
}

impl Setting {
    /// Puts the value into `json`. What is on the way to it and not there yet is made: a new element
    /// of a list as a copy of the first one in `template`, if there is one.
    ///
    /// # Errors
    /// The schema has no such place, or another kind of value there.
    pub(crate) fn apply(
        &self,
        whole: Part<'_>,
        json: &mut Value,
        template: &Value,
    ) -> anyhow::Result<()> {
        let (mut part, mut target, mut sample) = (whole, json, Some(template));
        let mut path = String::new();
        for step in self.path.split('.') {
            let inner = part.step(step, &path)?;
            match part.kind() {
                Kind::List(_) => {
                    sample = sample.and_then(|sample| sample.get(0));
                    target = element(target, step, &path, sample)?;
                }
                _ => {
                    sample = sample.and_then(|sample| sample.get(step));
                    target = field(target, step, &path)?;
                }
            }
            part = inner;
            path = join(&path, step);
        }
        *target = part.parse(&self.text, &path)?;
        Ok(())
    }
}

fn field<'v>(target: &'v mut Value, name: &str, path: &str) -> anyhow::Result<&'v mut Value> {
    if target.is_null() {
        *target = Value::Object(serde_json::Map::new());
    }
    match target {
        Value::Object(fields) => Ok(fields.entry(name).or_insert(Value::Null)),
        other => bail!("{path}: an object is needed, not {other}"),
    }
}

fn element<'v>(
    target: &'v mut Value,
    place: &str,
    path: &str,
    sample: Option<&Value>,
) -> anyhow::Result<&'v mut Value> {
    if target.is_null() {
        *target = Value::Array(vec![]);
    }
    let Value::Array(elements) = target else { bail!("{path}: a list is needed, not {target}") };
    let place: usize = place.parse()?;
    ensure!(
        place <= elements.len(),
        "{path}.{place}: the list has {count} elements, so the next one is {path}.{count}",
        count = elements.len()
    );
    if place == elements.len() {
        elements.push(sample.cloned().unwrap_or_default());
    }
    Ok(&mut elements[place])
}
