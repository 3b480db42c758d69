//! All events, and how to make any of them.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::sample::select;
use shared_events::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use shared_events::deliveries::StockReceived;
use shared_events::event::Event;
use shared_events::ids::{EventId, OrderId, SellerId, Sku};
use shared_events::inventory::{
    Shortage, StockLine, StockRejected, StockRejection, StockReleased, StockReserved,
};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
    ShipmentRejection,
};
use shared_events::orders::{
    Address, CancellationCode, CancellationReason, CancellationRequested, OrderCancelled,
    OrderCompleted, OrderConfirmed, OrderDeadlinePassed, OrderLine, OrderPlaced,
};
use shared_events::sellers::{
    SellerCancellationNotified, SellerDeclined, SellerNotified, SellerRefusal,
};
use uuid::Uuid;

/// An event that tests can make.
pub(crate) trait Sample: Event + PartialEq {
    /// Any event of this kind.
    fn any() -> BoxedStrategy<Self>;
}

/// Calls a function that is generic over the event for each event of this project.
macro_rules! for_each_event {
    ($check:ident $(, $argument:expr)*) => {{
        $check::<shared_events::orders::OrderPlaced>($($argument),*);
        $check::<shared_events::orders::CancellationRequested>($($argument),*);
        $check::<shared_events::orders::OrderDeadlinePassed>($($argument),*);
        $check::<shared_events::orders::OrderConfirmed>($($argument),*);
        $check::<shared_events::orders::OrderCancelled>($($argument),*);
        $check::<shared_events::orders::OrderCompleted>($($argument),*);
        $check::<shared_events::inventory::StockReserved>($($argument),*);
        $check::<shared_events::inventory::StockRejected>($($argument),*);
        $check::<shared_events::inventory::StockReleased>($($argument),*);
        $check::<shared_events::logistics::ShipmentPlanned>($($argument),*);
        $check::<shared_events::logistics::ShipmentRejected>($($argument),*);
        $check::<shared_events::logistics::ShipmentDispatched>($($argument),*);
        $check::<shared_events::logistics::ShipmentDelivered>($($argument),*);
        $check::<shared_events::logistics::ShipmentCancelled>($($argument),*);
        $check::<shared_events::sellers::SellerNotified>($($argument),*);
        $check::<shared_events::sellers::SellerDeclined>($($argument),*);
        $check::<shared_events::sellers::SellerCancellationNotified>($($argument),*);
        $check::<shared_events::deliveries::StockReceived>($($argument),*);
    }};
}

/// A strategy for one struct from the strategies of its fields.
macro_rules! sample {
    ($name:ident { $($field:ident: $strategy:expr),+ $(,)? }) => {
        impl Sample for $name {
            fn any() -> BoxedStrategy<Self> {
                fields!($name { $($field: $strategy),+ })
            }
        }
    };
}

macro_rules! fields {
    ($name:ident { $($field:ident: $strategy:expr),+ $(,)? }) => {
        ($($strategy,)+).prop_map(|($($field,)+)| $name { $($field),+ }).boxed()
    };
}

/// Any variant. The match makes the build fail here when a variant is new.
macro_rules! variants {
    ($name:ident { $($variant:ident),+ }) => {
        select(vec![$($name::$variant),+]).prop_map(|value| match value { $($name::$variant)|+ => value })
    };
}

/// Any text, of any script.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..40).prop_map(String::from_iter)
}

/// Any text that is an id. One character has at most 4 bytes, so none is too long.
fn id_text() -> impl Strategy<Value = String> {
    let plain = |c: &char| !c.is_control();
    vec(any::<char>().prop_filter("control characters", plain), 1..=32).prop_map(String::from_iter)
}

fn order_id() -> impl Strategy<Value = OrderId> {
    id_text().prop_map(|text| text.parse().expect("an id"))
}

fn sku() -> impl Strategy<Value = Sku> {
    id_text().prop_map(|text| text.parse().expect("an id"))
}

fn seller_id() -> impl Strategy<Value = SellerId> {
    id_text().prop_map(|text| text.parse().expect("an id"))
}

fn event_id() -> impl Strategy<Value = EventId> {
    any::<u128>().prop_map(|number| EventId(Uuid::from_u128(number)))
}

fn quantity() -> impl Strategy<Value = Quantity> {
    (1..=Quantity::MAX).prop_map(|number| Quantity::new(number).expect("a quantity"))
}

fn grams() -> impl Strategy<Value = Grams> {
    (0..=Grams::MAX).prop_map(|number| Grams::new(number).expect("a weight"))
}

fn minor_units() -> impl Strategy<Value = MinorUnits> {
    (0..=MinorUnits::MAX).prop_map(|number| MinorUnits::new(number).expect("an amount"))
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn order_line() -> BoxedStrategy<OrderLine> {
    fields!(OrderLine {
        sku: sku(),
        seller_id: seller_id(),
        quantity: quantity(),
        unit_price: minor_units(),
        unit_weight: grams(),
    })
}

fn address() -> BoxedStrategy<Address> {
    fields!(Address {
        name: text(),
        street: text(),
        postal_code: text(),
        city: text(),
        country: text(),
    })
}

fn reason() -> BoxedStrategy<CancellationReason> {
    let code = variants!(CancellationCode {
        Requested,
        StockRejected,
        ShipmentRejected,
        SellerDeclined,
        NotAnswered,
        Other
    });
    fields!(CancellationReason { code: code, detail: text() })
}

fn stock_line() -> BoxedStrategy<StockLine> {
    fields!(StockLine { sku: sku(), quantity: any::<i64>() })
}

fn shortage() -> BoxedStrategy<Shortage> {
    fields!(Shortage { sku: sku(), requested: any::<i64>(), available: any::<i64>() })
}

fn currency() -> impl Strategy<Value = String> {
    Just("EUR".to_owned())
}

sample!(OrderPlaced {
    order_id: order_id(),
    currency: currency(),
    lines: vec(order_line(), 0..5),
    ship_to: address(),
});
sample!(CancellationRequested { order_id: order_id(), reason: text() });
sample!(OrderDeadlinePassed { order_id: order_id() });
sample!(OrderConfirmed { order_id: order_id(), answers: vec(event_id(), 0..5) });
sample!(OrderCancelled { order_id: order_id(), reasons: vec(reason(), 0..5) });
sample!(OrderCompleted { order_id: order_id(), delivered_at: timestamp() });
sample!(StockReserved { order_id: order_id(), lines: vec(stock_line(), 0..5) });
sample!(StockRejected {
    order_id: order_id(),
    reason: variants!(StockRejection { Short, OrderCancelled, Other }),
    shortages: vec(shortage(), 0..5),
});
sample!(StockReleased { order_id: order_id(), lines: vec(stock_line(), 0..5) });
sample!(ShipmentPlanned {
    order_id: order_id(),
    carrier: text(),
    ship_from: text(),
    promised_by: timestamp(),
});
sample!(ShipmentRejected {
    order_id: order_id(),
    reason: variants!(ShipmentRejection { DestinationNotServed, TooHeavy, OrderCancelled, Other }),
    detail: text(),
});
sample!(ShipmentDispatched { order_id: order_id(), carrier: text(), tracking_number: text() });
sample!(ShipmentDelivered { order_id: order_id(), delivered_at: timestamp() });
sample!(ShipmentCancelled { order_id: order_id() });
sample!(SellerNotified { order_id: order_id(), seller_id: seller_id() });
sample!(SellerDeclined {
    order_id: order_id(),
    seller_id: seller_id(),
    reason: variants!(SellerRefusal { Unknown, Suspended, OrderCancelled, Other }),
});
sample!(SellerCancellationNotified { order_id: order_id(), seller_id: seller_id() });
sample!(StockReceived { sku: sku(), quantity: quantity() });
