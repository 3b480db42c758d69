//! The stock in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use choreography::db::{DbFault, DbResult, Input, Transaction};
use choreography::service::Heard;
use shared_events::ids::{IdError, OrderId, Sku};
use shared_events::orders::LINES_MAX;

use crate::Hears;
use crate::opening::Opening;
use crate::state::{Changed, LastWord, Pieces, Stock};

/// Adds the SKUs that the database does not know. What it knows it keeps.
///
/// # Errors
/// As the database says.
pub async fn open(db: &mut Transaction, opening: &Opening) -> DbResult<()> {
    let skus = opening.0.keys().map(Sku::to_string);
    let input = Input::new().text("sku", skus).int("initial", opening.0.values().copied());
    db.execute(
        "INSERT INTO stock (sku, initial, received, available)
         SELECT sku, initial, 0, initial FROM input WHERE true ORDER BY sku ON CONFLICT DO NOTHING",
        input,
    )
    .await?;
    Ok(())
}

/// Loads the last words on the orders heard of, and takes the stock that they can touch.
///
/// # Errors
/// As the database says.
pub async fn load(db: &mut Transaction, heard: &[Heard<Hears>]) -> DbResult<Stock> {
    let (orders, mut skus) = named(heard);
    let ids = || Input::new().text("order_id", orders.iter().map(|order| order.to_string()));
    let words = db.ask(WORDS, ids()).await?;
    let lines = db.ask(LINES, ids()).await?;
    if heard.iter().any(|heard| matches!(heard.event, Hears::OrderCancelled(_))) {
        // Which pieces come back is known only when its lines are.
        let orders = last_words(db.answer(words).await?, db.answer(lines).await?)?;
        skus.extend(orders.values().filter_map(LastWord::reserved).flat_map(BTreeMap::keys));
        let stock = db.ask(STOCK, skus_of(&skus)).await?;
        return Ok(Stock::stored(pieces(db.answer(stock).await?)?, orders));
    }
    // All three questions go out together.
    let stock = db.ask(STOCK, skus_of(&skus)).await?;
    let orders = last_words(db.answer(words).await?, db.answer(lines).await?)?;
    Ok(Stock::stored(pieces(db.answer(stock).await?)?, orders))
}

const WORDS: &str = "SELECT order_id, word FROM last_words
    WHERE order_id IN (SELECT order_id FROM input) ORDER BY order_id FOR UPDATE";

const LINES: &str = "SELECT order_id, sku, quantity FROM reservations
    WHERE order_id IN (SELECT order_id FROM input)";

/// Takes the rows in the order of their SKUs, so that two instances never wait for each other in a
/// circle; and only one decides about a SKU that many orders want.
const STOCK: &str = "SELECT sku, initial, received, available FROM stock
    WHERE sku IN (SELECT sku FROM input) ORDER BY sku FOR UPDATE";

/// The orders and the SKUs that the events name.
fn named(heard: &[Heard<Hears>]) -> (BTreeSet<&OrderId>, BTreeSet<&Sku>) {
    let (mut orders, mut skus) = (BTreeSet::new(), BTreeSet::new());
    for heard in heard {
        match &heard.event {
            Hears::OrderPlaced(placed) => {
                orders.insert(&placed.order_id);
                // An order with more lines is refused without a look at the stock.
                skus.extend(placed.lines.iter().take(LINES_MAX).map(|line| &line.sku));
            }
            Hears::OrderCancelled(cancelled) => {
                orders.insert(&cancelled.order_id);
            }
            Hears::StockReceived(received) => {
                skus.insert(&received.sku);
            }
        }
    }
    (orders, skus)
}

fn last_words(
    words: Vec<(String, String)>,
    lines: Vec<(String, String, i64)>,
) -> DbResult<BTreeMap<OrderId, LastWord>> {
    let mut reserved: BTreeMap<String, BTreeMap<Sku, i64>> = BTreeMap::new();
    for (order, sku, quantity) in lines {
        reserved.entry(order).or_default().insert(id(&sku)?, quantity);
    }
    let last_word = |(order, word): (String, String)| {
        let lines = reserved.remove(&order).unwrap_or_default();
        Ok((id(&order)?, last_word(&word, lines)?))
    };
    words.into_iter().map(last_word).collect()
}

fn skus_of(skus: &BTreeSet<&Sku>) -> Input {
    Input::new().text("sku", skus.iter().map(|sku| sku.to_string()))
}

fn pieces(rows: Vec<(String, i64, i64, i64)>) -> DbResult<BTreeMap<Sku, Pieces>> {
    let pieces = |(sku, initial, received, available): (String, _, _, _)| {
        Ok((id(&sku)?, Pieces { initial, received, available }))
    };
    rows.into_iter().map(pieces).collect()
}

/// Saves what the decisions have changed.
///
/// # Errors
/// As the database says.
pub async fn save(db: &mut Transaction, stock: &Stock) -> DbResult<()> {
    save_skus(db, stock).await?;
    save_orders(db, stock).await
}

async fn save_skus(db: &mut Transaction, stock: &Stock) -> DbResult<()> {
    let (known, new): (Vec<_>, Vec<_>) =
        stock.changed_skus().into_iter().partition(|(_, stored, _)| stored.is_some());
    let input = |rows: &[Changed<'_, Sku, Pieces>]| {
        Input::new()
            .text("sku", rows.iter().map(|(sku, ..)| sku.to_string()))
            .int("initial", rows.iter().map(|(.., pieces)| pieces.initial))
            .int("received", rows.iter().map(|(.., pieces)| pieces.received))
            .int("available", rows.iter().map(|(.., pieces)| pieces.available))
    };
    if !known.is_empty() {
        db.execute(
            "INSERT INTO stock (sku, initial, received, available)
             SELECT sku, initial, received, available FROM input WHERE true
             ON CONFLICT (sku) DO UPDATE SET
                 received = excluded.received, available = excluded.available",
            input(&known),
        )
        .await?;
    }
    if !new.is_empty() {
        // Without ON CONFLICT: if another instance has just added it, the batch is taken again.
        db.execute(
            "INSERT INTO stock (sku, initial, received, available)
             SELECT sku, initial, received, available FROM input",
            input(&new),
        )
        .await?;
    }
    Ok(())
}

async fn save_orders(db: &mut Transaction, stock: &Stock) -> DbResult<()> {
    let changed = stock.changed_orders();
    if changed.is_empty() {
        return Ok(());
    }
    let words = Input::new()
        .text("order_id", changed.iter().map(|(order, ..)| order.to_string()))
        .text("word", changed.iter().map(|(.., word)| text(word).to_owned()));
    db.execute(
        "INSERT INTO last_words (order_id, word) SELECT order_id, word FROM input WHERE true
         ON CONFLICT (order_id) DO UPDATE SET word = excluded.word",
        words,
    )
    .await?;
    reserve(db, &changed).await?;
    release(db, &changed).await
}

async fn reserve(db: &mut Transaction, changed: &[Changed<'_, OrderId, LastWord>]) -> DbResult<()> {
    let lines: Vec<_> = changed
        .iter()
        .filter_map(|(order, _, word)| word.reserved().map(|lines| (order, lines)))
        .flat_map(|(order, lines)| lines.iter().map(move |(sku, quantity)| (order, sku, *quantity)))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let input = Input::new()
        .text("order_id", lines.iter().map(|(order, ..)| order.to_string()))
        .text("sku", lines.iter().map(|(_, sku, _)| sku.to_string()))
        .int("quantity", lines.iter().map(|(.., quantity)| *quantity));
    db.execute(
        "INSERT INTO reservations (order_id, sku, quantity)
         SELECT order_id, sku, quantity FROM input",
        input,
    )
    .await?;
    Ok(())
}

async fn release(db: &mut Transaction, changed: &[Changed<'_, OrderId, LastWord>]) -> DbResult<()> {
    let orders: Vec<_> = changed
        .iter()
        .filter(|(_, stored, _)| stored.is_some_and(|word| word.reserved().is_some()))
        .map(|(order, ..)| order.to_string())
        .collect();
    if orders.is_empty() {
        return Ok(());
    }
    db.execute(
        "DELETE FROM reservations WHERE order_id IN (SELECT order_id FROM input)",
        Input::new().text("order_id", orders),
    )
    .await?;
    Ok(())
}

fn text(word: &LastWord) -> &'static str {
    match word {
        LastWord::CancelledUnheard => "cancelled_unheard",
        LastWord::Rejected => "rejected",
        LastWord::Reserved(_) => "reserved",
        LastWord::Released => "released",
    }
}

fn last_word(text: &str, lines: BTreeMap<Sku, i64>) -> DbResult<LastWord> {
    match text {
        "cancelled_unheard" => Ok(LastWord::CancelledUnheard),
        "rejected" => Ok(LastWord::Rejected),
        "reserved" => Ok(LastWord::Reserved(lines)),
        "released" => Ok(LastWord::Released),
        other => Err(DbFault::Refused(format!("last_words has the unknown word {other:?}"))),
    }
}

fn id<T: FromStr<Err = IdError>>(text: &str) -> DbResult<T> {
    text.parse().map_err(|error: IdError| DbFault::Refused(format!("{text:?}: {error}")))
}
