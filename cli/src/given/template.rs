//! What an event is made of that the user does not say.

use choreography::clock;
use serde_json::{Value, json};
use shared_events::event::Event;
use shared_events::orders::{CancellationRequested, OrderPlaced};

use super::schema::join;

/// The values of an event that have a default. Those of OrderPlaced make an order that the services
/// confirm with the data that is built into them.
pub(crate) fn template(event: &str) -> Value {
    match event {
        OrderPlaced::NAME => json!({
            "currency": "EUR",
            "lines": [{
                "sku": "teapot", "seller_id": "acme",
                "quantity": 1, "unit_price": 2450, "unit_weight": 900,
            }],
            "ship_to": {
                "name": "Ada Example", "street": "Musterstrasse 1",
                "postal_code": "04109", "city": "Leipzig", "country": "DE",
            },
        }),
        CancellationRequested::NAME => json!({ "reason": "asked for with choreo emit" }),
        _ => json!({}),
    }
}

/// Gives an OrderPlaced that has none a new order id, which tells its time (UUIDv7).
pub(crate) fn identify(event: &str, json: &mut Value) {
    if event == OrderPlaced::NAME
        && let Value::Object(fields) = json
    {
        let new = || clock::new_event_id().to_string().into();
        fields.entry("order_id").or_insert_with(new);
    }
}

/// The defaults that are left after the paths in `set`, as `path=value`.
pub(crate) fn defaults_left(template: &Value, set: &[&str]) -> Vec<String> {
    let mut left = vec![];
    collect(template, "", set, &mut left);
    left
}

fn collect(value: &Value, path: &str, set: &[&str], left: &mut Vec<String>) {
    if set.contains(&path) {
        return;
    }
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect(value, &join(path, name), set, left));
        }
        Value::Array(elements) => {
            for (place, value) in elements.iter().enumerate() {
                collect(value, &join(path, &place.to_string()), set, left);
            }
        }
        // A file and standard input have no template, so nothing of it is left.
        Value::Null => (),
        Value::String(text) => left.push(format!("{path}={text:?}")),
        other => left.push(format!("{path}={other}")),
    }
}
