//! The environment variables of telemetry, read in one place.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};

/// The variables `OTEL_*` and `RUST_LOG`, as they stood when this value was made. A variable that is
/// empty counts as unset, as the OpenTelemetry specification asks.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process. What is not Unicode is read with replacement characters, so that
    /// whoever needs the value refuses it by name.
    #[must_use]
    pub fn of_process() -> Self {
        let all = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()));
        all.filter(|(name, _): &(String, String)| name.starts_with("OTEL_") || name == "RUST_LOG")
            .collect()
    }

    /// The same without the variable `name`: for several services in one process, which must not
    /// all take one `OTEL_SERVICE_NAME`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The value of `name`, without spaces around it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first of `names` that is set, with its value.
    pub(super) fn first<'a>(&self, names: &[&'a str]) -> Option<(&'a str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// The number in `name`, or `default`.
    pub(super) fn number<N>(
        &self,
        name: &str,
        default: N,
        allowed: RangeInclusive<N>,
    ) -> anyhow::Result<N>
    where
        N: FromStr + PartialOrd + Display,
    {
        let Some(value) = self.get(name) else { return Ok(default) };
        let (low, high) = (allowed.start(), allowed.end());
        let allowed_text = || format!("{name}={value}: allowed is a number from {low} to {high}");
        let number = value.parse().ok().with_context(allowed_text)?;
        ensure!(allowed.contains(&number), allowed_text());
        Ok(number)
    }

    /// The duration in milliseconds in `name`, or `default`; at most an hour.
    pub(super) fn milliseconds(&self, name: &str, default: Duration) -> anyhow::Result<Duration> {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        self.number(name, default, 1..=3_600_000).map(Duration::from_millis)
    }

    /// Whether `name` is `true`; any case.
    pub(super) fn is_true(&self, name: &str) -> anyhow::Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => anyhow::bail!("{name}={other}: allowed are true and false"),
        }
    }

    /// The values in `name`, separated by commas, each of which must be in `allowed`.
    pub(super) fn list(&self, name: &str, allowed: &[&str]) -> anyhow::Result<Vec<&str>> {
        let values: Vec<_> = self.get(name).unwrap_or_default().split(',').map(str::trim).collect();
        let values: Vec<_> = values.into_iter().filter(|value| !value.is_empty()).collect();
        for value in &values {
            let allowed_text = allowed.join(", ");
            ensure!(allowed.contains(value), "{name}={value}: allowed is {allowed_text}");
        }
        Ok(values)
    }

    /// The pairs in `name`, written `key=value,key=value`, the values percent-encoded.
    pub(super) fn pairs(&self, name: &str) -> anyhow::Result<Vec<(String, String)>> {
        let parts = self.get(name).unwrap_or_default().split(',').map(str::trim);
        // The value may be a secret, so the message does not show it.
        let wrong = || format!("{name}: allowed is key=value,key=value, with percent-encoding");
        parts.filter(|part| !part.is_empty()).map(|part| pair(part).with_context(wrong)).collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(variables: T) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let key = percent_decoded(key.trim()).filter(|key| !key.is_empty())?;
    Some((key, percent_decoded(value.trim())?))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
