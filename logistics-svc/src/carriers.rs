//! The table of carriers, as a user writes it.

use std::path::Path;

use choreography::reference::Text;
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
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let text = Text::read(path, include_str!("../data/carriers.toml"))?;
        let table: Self = text.parse()?;
        match table.mistake() {
            None => Ok(table),
            Some((place, what)) => Err(text.wrong(place, what)),
        }
    }

    /// The first zone with this country, and who goes there, in the order of the file.
    pub fn to(&self, country: &str) -> Option<(&Zone, impl Iterator<Item = &Carrier>)> {
        let mut zones = self.zones.iter().map(Spanned::get_ref);
        let zone = zones.find(|zone| zone.countries.iter().any(|c| c == country))?;
        let carriers = self.carriers.iter().map(Spanned::get_ref);
        Some((zone, carriers.filter(|carrier| carrier.zones.contains(&zone.name))))
    }

    /// What does not fit together: where it stands in the text, and what is wrong.
    fn mistake(&self) -> Option<(usize, String)> {
        let zones: Vec<_> = self.zones.iter().map(|zone| &zone.get_ref().name).collect();
        for carrier in &self.carriers {
            let mut named = carrier.get_ref().zones.iter();
            if let Some(bad) = named.find(|name| !zones.contains(name)) {
                let what = format!("there is no zone {bad:?}, the zones are {zones:?}");
                return Some((carrier.span().start, what));
            }
        }
        for zone in &self.zones {
            let (place, Zone { name, countries, .. }) = (zone.span().start, zone.get_ref());
            if let Some(bad) = countries.iter().find(|code| !is_country(code)) {
                let what = format!("a country is two capital letters like \"DE\", not {bad:?}");
                return Some((place, what));
            }
            if !self.carriers.iter().any(|carrier| carrier.get_ref().zones.contains(name)) {
                return Some((place, format!("no carrier goes to the zone {name:?}")));
            }
        }
        None
    }
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
