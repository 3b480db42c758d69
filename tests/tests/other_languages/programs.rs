//! The programs of `examples/`, run as a user runs them.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;

use serde_json::json;
use shared_events::orders::OrderPlaced;
use tests::binaries;
use tests::world::World;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Language {
    Python,
    Java,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    PlaceOrder,
    FollowOrder,
}

use Language::{Java, Python};
use Program::{FollowOrder, PlaceOrder};

/// A program that has ended.
pub(crate) struct Run {
    command: String,
    code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What a program that places an order has said of it.
pub(crate) struct Placed {
    pub(crate) language: Language,
    pub(crate) order_id: String,
    /// None: it has sent no trace context.
    pub(crate) trace: Option<String>,
    /// TOPIC/PARTITION@OFFSET
    pub(crate) place: String,
}

impl Language {
    /// Runs a program to its end; the first run fetches what the language needs.
    pub(crate) fn run(self, program: Program, arguments: &[&str], brokers: &str) -> Run {
        let (folder, name) = match (self, program) {
            (Python, PlaceOrder) => ("python", "place_order"),
            (Python, FollowOrder) => ("python", "follow_order"),
            (Java, PlaceOrder) => ("java", "PlaceOrder"),
            (Java, FollowOrder) => ("java", "FollowOrder"),
        };
        let script = binaries::project_folder().join("examples").join(folder).join("run");
        let mut command = Command::new(script);
        command.arg(name).args(arguments).env("KAFKA_BOOTSTRAP_SERVERS", brokers);
        let ended = command.output().expect("a script that starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let (out, err) = (text(ended.stdout), text(ended.stderr));
        Run { command: format!("{command:?}"), code: ended.status.code(), out, err }
    }

    /// Places an order.
    pub(crate) fn place(self, arguments: &[&str], world: &World) -> Placed {
        let run = self.run(PlaceOrder, arguments, world.kafka.brokers()).ends_with(0);
        let said = |name: &str| {
            run.out.lines().find_map(|line| line.strip_prefix(name)).map(|v| v.trim().to_owned())
        };
        let order_id = said("order").unwrap_or_else(|| panic!("no order id: {run}"));
        let place = said("at").unwrap_or_else(|| panic!("no place: {run}"));
        Placed { language: self, order_id, trace: said("trace"), place }
    }

    /// Follows an order.
    pub(crate) fn follow(self, order_id: &str, world: &World) -> Run {
        self.run(FollowOrder, &[order_id], world.kafka.brokers())
    }

    /// The order that its program places.
    pub(crate) fn order(self, order_id: &str) -> OrderPlaced {
        let line = |sku, seller_id, quantity, unit_price, unit_weight| {
            json!({ "sku": sku, "seller_id": seller_id, "quantity": quantity,
                "unit_price": unit_price, "unit_weight": unit_weight })
        };
        let (lines, ship_to) = match self {
            Python => (
                [line("teapot", "acme", 1, 2450, 900), line("teacup", "borealis", 4, 650, 210)],
                ["Ada Example", "Musterstraße 1", "04109", "Leipzig", "DE"],
            ),
            Java => (
                [
                    line("kettle", "copperfield", 2, 3900, 1200),
                    line("milk-jug", "acme", 1, 1150, 350),
                ],
                ["Grace Example", "Rue de l’Église 1", "67000", "Strasbourg", "FR"],
            ),
        };
        let [name, street, postal_code, city, country] = ship_to;
        let order = json!({
            "order_id": order_id, "currency": "EUR", "lines": lines,
            "ship_to": { "name": name, "street": street, "postal_code": postal_code,
                "city": city, "country": country },
        });
        serde_json::from_value(order).expect("an OrderPlaced")
    }
}

impl Run {
    /// Fails, with all that it has said, unless it has ended with `code`.
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The place and the name of each event that it has heard.
    pub(crate) fn heard(&self) -> BTreeSet<(String, String)> {
        let lines = self.out.lines().map(|line| line.split_whitespace().take(2).collect());
        let events = lines.filter(|words: &Vec<&str>| words[0].contains('@'));
        events.map(|words| (words[0].to_owned(), words[1].to_owned())).collect()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, out, err } = self;
        write!(f, "{command} has ended with {code:?}\n--- it said:\n{out}\n--- and:\n{err}")
    }
}
