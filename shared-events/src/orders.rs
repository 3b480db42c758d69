//! Topic `orders`, said by order-svc; OrderPlaced and CancellationRequested by any producer.

use serde::{Deserialize, Serialize};

use crate::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use crate::event;
use crate::ids::{EventId, OrderId, SellerId, Sku};

/// Somebody wants goods. The first one heard for an order id counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: OrderId,
    /// ISO 4217 code of the currency of all prices.
    pub currency: String,
    /// What is wanted; one to [`LINES_MAX`] lines.
    pub lines: Vec<OrderLine>,
    /// Where to.
    pub ship_to: Address,
}

/// The most lines that an order may have.
pub const LINES_MAX: usize = 100;

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What is wanted.
    pub sku: Sku,
    /// From whom.
    pub seller_id: SellerId,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price of one piece.
    pub unit_price: MinorUnits,
    /// The weight of one piece.
    pub unit_weight: Grams,
}

/// Where an order goes. Personal data: it never reaches spans, logs or headers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// Who receives it.
    pub name: String,
    /// Street and house number.
    pub street: String,
    /// Postal code.
    pub postal_code: String,
    /// Town.
    pub city: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
}

/// Somebody wants an order cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancellationRequested {
    /// The order.
    pub order_id: OrderId,
    /// Why, in the words of who asks.
    pub reason: String,
}

/// An order was not answered by all within its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderDeadlinePassed {
    /// The order.
    pub order_id: OrderId,
}

/// All have agreed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: OrderId,
    /// The ids of all the answers that the confirmation rests on.
    pub answers: Vec<EventId>,
}

/// The order will not be carried out: whoever holds something for it lets it go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// Why; at least one.
    pub reasons: Vec<CancellationReason>,
}

/// One reason why an order was cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancellationReason {
    /// What kind of reason.
    pub code: CancellationCode,
    /// For [`CancellationCode::NotAnswered`] the service that has not answered, with the sellers
    /// that are missing; for a refusal who refused; for a request its words.
    pub detail: String,
}

/// The kinds of reasons for a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancellationCode {
    /// Somebody asked for it.
    Requested,
    /// Not enough in stock.
    StockRejected,
    /// It cannot be shipped.
    ShipmentRejected,
    /// A seller does not take part.
    SellerDeclined,
    /// The deadline passed without this answer.
    NotAnswered,
    /// Nobody can carry out such an order: it has no lines, or too many. Also a reason that a newer
    /// writer has and this reader does not know, which is all that the schema's own words say: a
    /// schema that is committed is not edited, be it for its words.
    Other,
}

/// The goods have arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCompleted {
    /// The order.
    pub order_id: OrderId,
    /// When the goods were delivered.
    pub delivered_at: Timestamp,
}

event!(OrderPlaced on "orders" about order_id, [include_str!("../../schemas/orders/OrderPlaced.avsc")]);
event!(CancellationRequested on "orders" about order_id, [include_str!("../../schemas/orders/CancellationRequested.avsc")]);
event!(OrderDeadlinePassed on "orders" about order_id, [include_str!("../../schemas/orders/OrderDeadlinePassed.avsc")]);
event!(OrderConfirmed on "orders" about order_id, [include_str!("../../schemas/orders/OrderConfirmed.avsc")]);
event!(OrderCancelled on "orders" about order_id, [include_str!("../../schemas/orders/OrderCancelled.avsc")]);
event!(OrderCompleted on "orders" about order_id, [include_str!("../../schemas/orders/OrderCompleted.avsc")]);
