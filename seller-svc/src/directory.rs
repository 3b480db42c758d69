//! The directory of sellers, as a user writes it.

use std::collections::BTreeMap;
use std::path::Path;

use choreography::reference::Text;
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
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let text = Text::read(path, include_str!("../data/sellers.toml"))?;
        let file: File = text.parse()?;
        let mut standings = BTreeMap::new();
        for seller in file.sellers {
            let (place, Seller { id, standing, .. }) = (seller.span().start, seller.into_inner());
            if standings.insert(id.clone(), standing).is_some() {
                let what = format!("the seller {id} is there twice; once is right");
                return Err(text.wrong(place, what));
            }
        }
        Ok(Self(standings))
    }

    /// The standing of a seller, if there is such a seller.
    pub fn standing(&self, seller: &SellerId) -> Option<Standing> {
        self.0.get(seller).copied()
    }
}
