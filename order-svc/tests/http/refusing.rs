//! Bad requests: each is answered with its status, the type of its problem, and what is wrong.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::service::{Service, order};

/// A status, the type of a problem, and the field that it names.
type Expected<'a> = (u16, &'a str, Option<&'a str>);

fn refused(what: &str, (status, kind, field): Expected<'_>, answer: &Answer) {
    let field = field.map_or(Value::Null, Value::from);
    let told = (answer.status, &answer.body["type"], &answer.body["field"]);
    let expected = (status, &json!(format!("/problems/{kind}")), &field);
    assert_eq!(told, expected, "{what}: {}", answer.text);
    assert_eq!(answer.body["status"], status, "{what}");
    assert!(answer.head.contains("content-type: application/problem+json"), "{what}");
    assert!(answer.body["title"].as_str().is_some_and(|title| !title.is_empty()), "{what}");
    assert!(answer.body["detail"].as_str().is_some_and(|detail| 15 < detail.len()), "{what}");
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Posts each body: all are refused with this type of problem, and the given field.
fn bodies(kind: &str, cases: Vec<(&str, &str, Vec<u8>)>) {
    let service = Service::start().up();
    for (what, field, body) in cases {
        let answer = service.ask_bytes("POST /orders", JSON, &body);
        refused(what, (400, kind, Some(field)), &answer);
    }
    assert_eq!(service.get("/orders").body["orders"], json!([]), "none of them is an order");
}

fn with(change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut order = order();
    change(&mut order);
    order.to_string().into_bytes()
}

#[test]
fn what_is_not_json() {
    let good = order().to_string();
    let instead = |of: &str, other: &str| good.replacen(of, other, 1).into_bytes();
    let mut not_utf_8 = instead("Ada", "?");
    let place = not_utf_8.iter().position(|byte| *byte == b'?').expect("a place");
    not_utf_8[place] = 0xFF;
    let cases = vec![
        ("nothing", "", vec![]),
        ("cut off", "", b"{".to_vec()),
        ("a form", "", b"currency=EUR".to_vec()),
        ("a byte order mark", "", [b"\xEF\xBB\xBF", good.as_bytes()].concat()),
        ("not UTF-8", "", not_utf_8),
        ("UTF-16", "", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("something behind it", "", format!("{good} {{}}").into_bytes()),
        ("a comma too many", "", instead("}", ",}")),
        ("deeply nested", "", "[".repeat(60_000).into_bytes()),
        ("nested and closed", "", format!("{}{}", "[".repeat(200), "]".repeat(200)).into_bytes()),
        ("half a pair", "", instead("Ada", r"\ud800")),
        ("a control character", "", instead("Ada", "A\u{1}a")),
        ("a number beyond all", "", instead("1250", "1e999")),
        ("not a number", "", instead("1250", "NaN")),
        ("a comment", "", format!("{good} // for Ada").into_bytes()),
    ];
    bodies("malformed-json", cases);
}

#[test]
fn what_is_no_order() {
    let good = order().to_string();
    let text = |text: &str| text.as_bytes().to_vec();
    let twice = good.replacen('{', r#"{"currency":"EUR","#, 1);
    let twice_below = good.replacen(r#""sku":"#, r#""sku":"kettle","sku":"#, 1);
    let cases = vec![
        ("a list", "", text("[]")),
        ("the fields as a list", "", text(r#"["EUR", [], {}]"#)),
        ("null", "", text("null")),
        ("a text", "", text("\"order\"")),
        ("an empty object", "/currency", text("{}")),
        ("twice", "/currency", text(&twice)),
        ("twice below", "/lines/0/sku", text(&twice_below)),
        ("unknown", "/colour", with(|o| o["colour"] = json!("red"))),
        ("unknown, to be escaped", "/a~1b~0c", with(|o| o["a/b~c"] = json!(1))),
        ("currency null", "/currency", with(|o| o["currency"] = Value::Null)),
        ("currency in words", "/currency", with(|o| o["currency"] = json!("euro"))),
        ("currency small", "/currency", with(|o| o["currency"] = json!("eur"))),
        ("no lines", "/lines", with(|o| o["lines"] = json!([]))),
        ("lines no list", "/lines", with(|o| o["lines"] = json!({}))),
        ("101 lines", "/lines", with(|o| o["lines"] = json!(vec![&o["lines"][0]; 101]))),
        ("no address", "/ship_to", with(|o| o["ship_to"] = Value::Null)),
    ];
    bodies("invalid-field", cases);
}

#[test]
fn what_is_no_line() {
    let line = |name: &str, value: Value| with(|o| o["lines"][0][name] = value.clone());
    let cases = vec![
        ("no object", "/lines/0", with(|o| o["lines"][0] = json!(1))),
        ("unknown", "/lines/0/colour", line("colour", json!("red"))),
        (
            "the second one",
            "/lines/1/sku",
            with(|o| o["lines"] = json!([o["lines"][0], {"sku": 1}])),
        ),
        ("no sku", "/lines/0/sku", line("sku", json!(""))),
        ("sku a number", "/lines/0/sku", line("sku", json!(7))),
        ("sku too long", "/lines/0/sku", line("sku", json!("x".repeat(129)))),
        ("sku of too many bytes", "/lines/0/sku", line("sku", json!("ü".repeat(65)))),
        ("sku with a line feed", "/lines/0/sku", line("sku", json!("a\nb"))),
        ("no seller", "/lines/0/seller_id", line("seller_id", Value::Null)),
        ("none", "/lines/0/quantity", line("quantity", json!(0))),
        ("less than none", "/lines/0/quantity", line("quantity", json!(-1))),
        ("too many", "/lines/0/quantity", line("quantity", json!(1_000_001))),
        ("more than fits", "/lines/0/quantity", line("quantity", json!(u64::MAX))),
        ("a number as text", "/lines/0/quantity", line("quantity", json!("2"))),
        ("true", "/lines/0/quantity", line("quantity", json!(true))),
        ("a fraction", "/lines/0/unit_price", line("unit_price", json!(1.5))),
        ("a price below nothing", "/lines/0/unit_price", line("unit_price", json!(-1))),
        ("too heavy", "/lines/0/unit_weight", line("unit_weight", json!(1e300))),
    ];
    bodies("invalid-field", cases);
}

#[test]
fn what_is_no_address() {
    let to = |name: &str, value: Value| with(|o| o["ship_to"][name] = value.clone());
    let cases = vec![
        ("unknown", "/ship_to/planet", to("planet", json!("Mars"))),
        ("a country in words", "/ship_to/country", to("country", json!("Germany"))),
        ("nobody", "/ship_to/name", to("name", json!(""))),
        ("a long name", "/ship_to/name", to("name", json!("x".repeat(201)))),
        ("U+0000", "/ship_to/name", to("name", json!("a\u{0}b"))),
        ("a city of lists", "/ship_to/city", to("city", json!([["Berlin"]]))),
    ];
    bodies("invalid-field", cases);
}

/// Asks each, a POST with an order that is right.
fn requests(cases: &[(&str, &str, Expected<'_>)]) {
    let service = Service::start().up();
    for (request, headers, expected) in cases {
        let body = if request.starts_with("POST") { order().to_string() } else { String::new() };
        let answer = service.ask_bytes(request, headers, body.as_bytes());
        let what = format!("{request} {headers}");
        refused(&what, *expected, &answer);
        assert_eq!(expected.0 == 405, answer.head.contains("\r\nallow: "), "{what}");
    }
    assert_eq!(service.get("/orders").body["orders"], json!([]));
}

#[test]
fn headers() {
    let media = (415, "unsupported-media-type", Some("Content-Type"));
    let key = (400, "invalid-header", Some("Idempotency-Key"));
    let accept = (406, "not-acceptable", Some("Accept"));
    let last = (400, "invalid-header", Some("Last-Event-ID"));
    let long = format!("{JSON}Idempotency-Key: {}\r\n", "x".repeat(129));
    let place = "POST /orders";
    let no_json = "Accept: application/xml;q=1, application/json;q=0\r\n";
    requests(&[
        (place, "", media),
        (place, "Content-Type: text/plain\r\n", media),
        (place, "Content-Type: application/x-www-form-urlencoded\r\n", media),
        (place, "Content-Type: application/json; charset=latin-1\r\n", media),
        (place, "Content-Type: application/jsonp\r\n", media),
        (place, "Content-Type: application/json\r\nIdempotency-Key: \r\n", key),
        (place, "Content-Type: application/json\r\nIdempotency-Key: a b\r\n", key),
        (place, "Content-Type: application/json\r\nIdempotency-Key: \u{fc}\r\n", key),
        (
            place,
            "Content-Type: application/json\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n",
            key,
        ),
        (place, &long, key),
        (place, "Content-Type: application/json\r\nAccept: text/html\r\n", accept),
        ("GET /orders", no_json, accept),
        ("GET /orders/x/events", "Accept: application/json\r\n", accept),
        ("GET /orders/x/events", "Last-Event-ID: 7g\r\n", last),
    ]);
}

#[test]
fn queries() {
    let query = |field| (400, "invalid-query", Some(field));
    requests(&[
        ("GET /orders?status=open", "", query("?status")),
        ("GET /orders?limit=0", "", query("?limit")),
        ("GET /orders?limit=101", "", query("?limit")),
        ("GET /orders?limit=-1", "", query("?limit")),
        ("GET /orders?limit=ten", "", query("?limit")),
        ("GET /orders?limit=", "", query("?limit")),
        ("GET /orders?limit=1&limit=2", "", query("?limit")),
        ("GET /orders?limt=1", "", query("?limt")),
        ("GET /orders?cursor=yesterday", "", query("?cursor")),
        ("GET /orders?cursor=-5.a", "", query("?cursor")),
        ("GET /orders?cursor=5.a%00", "", query("?cursor")),
    ]);
}

#[test]
fn paths_and_methods() {
    let id = (400, "invalid-id", Some("{id}"));
    let unknown = (404, "unknown-order", None);
    let path = (404, "unknown-path", None);
    let method = (405, "method-not-allowed", None);
    let long = format!("GET /orders/{}", "x".repeat(129));
    requests(&[
        ("GET /orders/a%00b", "", id),
        ("GET /orders/%FF", "", id),
        (&long, "", id),
        ("GET /orders/none", "", unknown),
        ("GET /orders/none/events", "", unknown),
        ("POST /orders/none/cancel", JSON, (400, "invalid-field", Some("/currency"))),
        ("GET /", "", path),
        ("GET /orders/", "", path),
        ("GET /orders/x/y", "", path),
        ("GET /problems/none", "", path),
        ("PUT /orders", "", method),
        ("DELETE /orders/x", "", method),
        ("GET /orders/x/cancel", "", method),
        ("POST /orders/x/events", "", method),
        ("TRACE /orders", "", method),
        ("POST /openapi.json", "", method),
    ]);
    let service = Service::start().up();
    let cancel = service.ask("POST /orders/none/cancel", "", r#"{"reason": "a mistake"}"#);
    refused("cancel", unknown, &cancel);
}
