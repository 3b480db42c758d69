//! The opening stock, as a user writes it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use choreography::reference::Text;
use shared_events::ids::Sku;

/// The pieces that each SKU starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening(pub BTreeMap<Sku, i64>);

/// The most pieces that a SKU may start with: a sum with all deliveries to come fits an `i64`.
pub const OPENING_PIECES_MAX: i64 = 1_000_000_000_000;

#[derive(serde::Deserialize)]
#[serde(try_from = "i64")]
struct OpeningPieces(i64);

impl TryFrom<i64> for OpeningPieces {
    type Error = String;
    fn try_from(pieces: i64) -> Result<Self, String> {
        match pieces {
            0..=OPENING_PIECES_MAX => Ok(Self(pieces)),
            _ => Err(format!("must be 0 to {OPENING_PIECES_MAX} pieces, not {pieces}")),
        }
    }
}

impl Opening {
    /// Reads a file, or what is built in.
    ///
    /// # Errors
    /// The file cannot be read, or which line of it is wrong and what would be right.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let text = Text::read(path, include_str!("../data/stock.toml"))?;
        let pieces: BTreeMap<Sku, OpeningPieces> = text
            .parse()
            .context("each line must be a SKU and its pieces, such as: teapot = 250")?;
        Ok(Self(pieces.into_iter().map(|(sku, OpeningPieces(pieces))| (sku, pieces)).collect()))
    }
}
