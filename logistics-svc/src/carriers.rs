//! The table of carriers, as a user writes it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Spanned;

/// Who carries parcels, from where and where to.
#[derive(Clone, Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carriers {
    zones: Vec<Spanned<Zone>>,
    carriers: Vec<Spanned<Carrier>>,
}

/// Countries that are served from one warehouse.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    name: String,
    countries: Vec<String>,
    /// The warehouse that parcels leave from.
    pub warehouse: String,
}

/// Somebody who carries parcels.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    /// Its name.
    pub name: String,
    zones: Vec<String>,
    /// The heaviest order that it takes, in grams.
    pub weight_max_g: u32,
    /// How many days it takes.
    pub days: u16,
}

impl Carriers {
    /// Reads the file at `path`, or without one what is built in.
    ///
    /// # Errors
    /// The file cannot be read, or which line of it is wrong and what would be right.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Self::parse(include_str!("../data/carriers.toml")) };
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// The first zone with this country, and who goes there, in the order of the file.
    pub fn to(&self, country: &str) -> Option<(&Zone, impl Iterator<Item = &Carrier>)> {
        let mut zones = self.zones.iter().map(Spanned::get_ref);
        let zone = zones.find(|zone| zone.countries.iter().any(|c| c == country))?;
        let carriers = self.carriers.iter().map(Spanned::get_ref);
        Some((zone, carriers.filter(|carrier| carrier.zones.contains(&zone.name))))
    }

    fn parse(text: &str) -> Result<Self> {
        let line = |byte: usize| 1 + text[..byte].matches('\n').count();
        let table: Self = match toml::from_str(text) {
            Ok(table) => table,
            Err(e) => bail!("line {}: {}", line(e.span().unwrap_or_default().start), e.message()),
        };
        let zones: Vec<_> = table.zones.iter().map(|zone| &zone.get_ref().name).collect();
        for carrier in &table.carriers {
            let mut named = carrier.get_ref().zones.iter();
            if let Some(bad) = named.find(|name| !zones.contains(name)) {
                let line = line(carrier.span().start);
                bail!("line {line}: there is no zone {bad:?}, the zones are {zones:?}");
            }
        }
        for zone in &table.zones {
            let (line, Zone { name, countries, .. }) = (line(zone.span().start), zone.get_ref());
            if let Some(bad) = countries.iter().find(|code| !is_country(code)) {
                bail!("line {line}: a country is two capital letters like \"DE\", not {bad:?}");
            }
            if !table.carriers.iter().any(|carrier| carrier.get_ref().zones.contains(name)) {
                bail!("line {line}: no carrier goes to the zone {name:?}");
            }
        }
        Ok(table)
    }
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
