//! The directory of sellers, as a user writes it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use shared_events::ids::SellerId;
use toml::Spanned;

/// Who may sell.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Directory(BTreeMap<SellerId, Standing>);

/// Whether a seller may sell at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Yes.
    Active,
    /// Not at present.
    Suspended,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sellers: Vec<Spanned<Seller>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seller {
    id: SellerId,
    #[serde(rename = "name")]
    _name: String,
    standing: Standing,
}

impl Directory {
    /// Reads the file at `path`, or without one what is built in.
    ///
    /// # Errors
    /// The file cannot be read, or which line of it is wrong and what would be right.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Self::parse(include_str!("../data/sellers.toml")) };
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// The standing of a seller, if there is such a seller.
    pub fn standing(&self, seller: &SellerId) -> Option<Standing> {
        self.0.get(seller).copied()
    }

    fn parse(text: &str) -> Result<Self> {
        let line = |byte: usize| 1 + text[..byte].matches('\n').count();
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(e) => bail!("line {}: {}", line(e.span().unwrap_or_default().start), e.message()),
        };
        let mut standings = BTreeMap::new();
        for seller in file.sellers {
            let (line, Seller { id, standing, .. }) =
                (line(seller.span().start), seller.into_inner());
            if standings.insert(id.clone(), standing).is_some() {
                bail!("line {line}: the seller {id} is there twice; once is right");
            }
        }
        Ok(Self(standings))
    }
}
