//! What may be asked for, as rules.

use serde::Deserialize;
use shared_events::amounts::{Grams, MinorUnits, Quantity};
use shared_events::ids::ID_BYTES_MAX;
use shared_events::orders::{Address, LINES_MAX, OrderLine};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::rule::{Field, Rule, Text};

/// An order as it is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct NewOrder {
    pub(super) currency: String,
    pub(super) lines: Vec<OrderLine>,
    pub(super) ship_to: Address,
}

/// A request to cancel an order.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Cancellation {
    pub(super) reason: Option<String>,
}

/// One line of an order, in requests and answers.
pub(super) struct Line;

/// What a body has to be, and how it is called in the document.
pub(super) trait Body {
    const RULE: Rule;
}

impl Body for NewOrder {
    const RULE: Rule = Rule::Object(&[
        Field::required(
            "currency",
            "ISO 4217 code of the currency of all prices",
            letters(3, "three capital letters, such as EUR (ISO 4217)", "^[A-Z]{3}$"),
        ),
        Field::required(
            "lines",
            "What is wanted",
            Rule::List { min: 1, max: LINES_MAX, of: &Line::RULE },
        ),
        Field::required("ship_to", "Where to", ADDRESS),
    ]);
}

impl Body for Cancellation {
    const RULE: Rule = Rule::Object(&[Field::optional(
        "reason",
        "Why, in your own words",
        words(REASON_CHARS_MAX),
    )]);
}

impl Body for Line {
    const RULE: Rule = Rule::Object(&[
        Field::required("sku", "What is wanted: a stock keeping unit", ID),
        Field::required("seller_id", "From whom", ID),
        Field::required("quantity", "How many pieces", Rule::Whole { min: 1, max: Quantity::MAX }),
        Field::required(
            "unit_price",
            "The price of one piece in minor units of the currency, such as cents",
            Rule::Whole { min: 0, max: MinorUnits::MAX },
        ),
        Field::required(
            "unit_weight",
            "The weight of one piece in grams",
            Rule::Whole { min: 0, max: Grams::MAX },
        ),
    ]);
}

const ADDRESS: Rule = Rule::Object(&[
    Field::required("name", "Who receives it", words(ADDRESS_CHARS_MAX)),
    Field::required("street", "Street and house number", words(ADDRESS_CHARS_MAX)),
    Field::required("postal_code", "Postal code", words(ADDRESS_CHARS_MAX)),
    Field::required("city", "Town", words(ADDRESS_CHARS_MAX)),
    Field::required(
        "country",
        "ISO 3166-1 alpha-2 code",
        letters(2, "two capital letters, such as DE (ISO 3166-1)", "^[A-Z]{2}$"),
    ),
]);

/// The longest text of an address, in characters.
const ADDRESS_CHARS_MAX: usize = 200;

/// The longest reason of a cancellation, in characters; so much of it is kept.
const REASON_CHARS_MAX: usize = 500;

/// An id of an order, a SKU or a seller, as `shared_events::ids` asks.
pub(super) const ID: Rule = Rule::Text(ID_TEXT);

pub(super) const ID_TEXT: Text = Text {
    chars_min: 1,
    chars_max: ID_BYTES_MAX,
    bytes_max: ID_BYTES_MAX,
    allows: no_control,
    pattern: NO_CONTROL,
    is: "a text of 1 to 128 bytes of UTF-8 without control characters",
    is_code: true,
};

const NO_CONTROL: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";

fn no_control(c: char) -> bool {
    !c.is_control()
}

const fn words(chars_max: usize) -> Rule {
    let is = match chars_max {
        REASON_CHARS_MAX => "a text of 1 to 500 characters without control characters",
        _ => "a text of 1 to 200 characters without control characters",
    };
    let bytes_max = 4 * chars_max;
    Rule::Text(Text {
        chars_min: 1,
        chars_max,
        bytes_max,
        allows: no_control,
        pattern: NO_CONTROL,
        is,
        is_code: false,
    })
}

const fn letters(count: usize, is: &'static str, pattern: &'static str) -> Rule {
    let (chars_min, chars_max, bytes_max) = (count, count, count);
    let allows = |c: char| c.is_ascii_uppercase();
    Rule::Text(Text { chars_min, chars_max, bytes_max, allows, pattern, is, is_code: true })
}

impl PartialSchema for NewOrder {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Self::RULE.schema("An order as it is asked for."))
    }
}
impl ToSchema for NewOrder {}

impl PartialSchema for Cancellation {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Self::RULE.schema("A request to cancel an order."))
    }
}
impl ToSchema for Cancellation {}

impl PartialSchema for Line {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Self::RULE.schema("One line of an order."))
    }
}
impl ToSchema for Line {}
