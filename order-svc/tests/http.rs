//! Orders over HTTP, in front of the embedded broker.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use choreography::embedded::EmbeddedBroker;
use choreography::{Config, Stop, topics};
use clap::Parser;
use order_svc::{Options, Orders};
use serde_json::{Value, json};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    options: Options,
}

struct Service {
    broker: EmbeddedBroker,
    address: String,
    stop: Stop,
    task: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Service {
    fn start() -> Self {
        let broker =
            EmbeddedBroker::start(&topics::needed_by(&[order_svc::manifest()])).expect("broker");
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite://{}/orders.db", folder.path().display());
        let brokers = broker.brokers();
        let arguments = ["order-svc", "-b", &brokers, "--database-url", &url];
        let mut cli = Cli::try_parse_from(arguments).expect("arguments");
        cli.config.embedded = true;
        let stop = Stop::new(Duration::from_secs(5));
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("port");
        let address = listener.local_addr().expect("address").to_string();
        let orders = Orders::new(&cli.options).expect("options");
        let task =
            runtime.spawn(choreography::serve(cli.config, orders, stop.clone(), Some(listener)));
        Self { broker, address, stop, task: Some(task), runtime, _folder: folder }
    }

    fn ask(&self, request: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        Answer {
            status,
            head: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    fn place(&self, headers: &str, body: &Value) -> Answer {
        self.ask("POST /orders", headers, &body.to_string())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(task) = self.task.take() {
            self.runtime.block_on(task).expect("no panic").expect("a good end");
        }
    }
}

fn order() -> Value {
    json!({
        "currency": "EUR",
        "lines": [{"sku": "teapot", "seller_id": "acme", "quantity": 2, "unit_price": 1250, "unit_weight": 800}],
        "ship_to": {"name": "Ada", "street": "Main Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE"},
    })
}

#[test]
fn an_order_is_accepted_and_shown_once_it_was_heard() {
    let service = Service::start();
    let accepted = service.place("", &order());
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.body["order_id"].as_str().expect("an id").to_owned();
    assert!(accepted.head.contains(&format!("location: /orders/{id}")));

    let began = Instant::now();
    let shown = loop {
        let shown = service.ask(&format!("GET /orders/{id}"), "", "");
        if shown.status == 200 {
            break shown.body;
        }
        assert_eq!((shown.status, &shown.body["title"]), (404, &json!("not yet known")));
        assert!(shown.head.contains("retry-after: 1"));
        assert!(began.elapsed() < Duration::from_secs(30), "never heard");
    };
    assert_eq!(shown["status"], "placed");
    assert_eq!(shown["total"], 2500);
    assert_eq!(shown["answered"], json!([]));
    let who = json!([
        {"service": "inventory-svc"}, {"service": "logistics-svc"}, {"service": "seller-svc", "seller_id": "acme"}
    ]);
    assert_eq!(shown["not_answered"], who);
    assert!(!shown.to_string().contains("Ada"), "personal data is not shown");
}

#[test]
fn a_key_repeats_the_order_and_refuses_another_one() {
    let service = Service::start();
    let key = "Idempotency-Key: k-1\r\n";
    let first = service.place(key, &order());
    let second = service.place(key, &order());
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.body["order_id"], second.body["order_id"]);
    let mut other = order();
    other["lines"][0]["quantity"] = json!(3);
    let refused = service.place(key, &other);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["order_id"], first.body["order_id"]);
}

#[test]
fn without_an_acknowledgement_it_says_so_and_the_key_repeats_it() {
    let service = Service::start();
    let key = "Idempotency-Key: k-1\r\n";
    service.broker.refuse("orders").expect("a topic");
    let refused = service.place(key, &order());
    assert_eq!((refused.status, &refused.body["title"]), (503, &json!("not acknowledged")));
    assert!(refused.head.contains("retry-after: 1"));
    service.broker.accept("orders").expect("a topic");
    let began = Instant::now();
    loop {
        let accepted = service.place(key, &order());
        assert_eq!(accepted.body["order_id"], refused.body["order_id"]);
        if accepted.status == 202 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never acknowledged: {}", accepted.body);
    }
}

#[test]
fn bad_requests_name_the_field_and_what_would_be_right() {
    let service = Service::start();
    let with = |change: fn(&mut Value)| {
        let mut order = order();
        change(&mut order);
        order.to_string()
    };
    let cases = [
        ("no body".to_owned(), ".", String::new()),
        ("no JSON".to_owned(), ".", "{".to_owned()),
        ("no lines".to_owned(), "lines", with(|o| o["lines"] = json!([]))),
        ("no currency".to_owned(), "currency", with(|o| o["currency"] = json!("euro"))),
        (
            "country".to_owned(),
            "ship_to.country",
            with(|o| o["ship_to"]["country"] = json!("Germany")),
        ),
        ("name".to_owned(), "ship_to.name", with(|o| o["ship_to"]["name"] = json!("a\u{0}b"))),
        (
            "quantity".to_owned(),
            "lines[0].quantity",
            with(|o| o["lines"][0]["quantity"] = json!(0)),
        ),
        (
            "price".to_owned(),
            "lines[0].unit_price",
            with(|o| o["lines"][0]["unit_price"] = json!(1.5)),
        ),
        ("sku".to_owned(), "lines[0].sku", with(|o| o["lines"][0]["sku"] = json!(""))),
        ("unknown field".to_owned(), "colour", with(|o| o["colour"] = json!("red"))),
    ];
    for (what, field, body) in cases {
        let answer = service.ask("POST /orders", "", &body);
        assert_eq!(
            (answer.status, &answer.body["field"]),
            (400, &json!(field)),
            "{what}: {}",
            answer.body
        );
        assert!(answer.head.contains("application/problem+json"), "{what}");
        assert!(answer.body["detail"].as_str().is_some_and(|d| 10 < d.len()), "{what}");
    }
    let large = service.ask("POST /orders", "", &" ".repeat(70_000));
    assert_eq!(large.status, 413);
    assert_eq!(service.ask("GET /orders/none", "", "").body["title"], "unknown");
    assert_eq!(service.ask("GET /orders/a%00b", "", "").status, 400);
}
