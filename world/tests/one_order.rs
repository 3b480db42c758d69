//! All that can happen to one order: every order of arrival, with its deadline at any time; each
//! time also with one event or timer that is set aside and replayed at any later time.

use std::time::Instant;

use shared_events::orders::OrderLine;
use world::explore::explore;
use world::scenario::{Scenario, cancellation, line, placed};
use world::world::Rules;

/// How an order may end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    /// Completed, or cancelled by its deadline or on request.
    InBothWays,
    /// Cancelled.
    Cancelled,
}

#[expect(clippy::print_stdout, reason = "how much was visited is for people")]
#[track_caller]
fn check(scenario: &Scenario, rules: Rules, ends: Ends) {
    let (name, dead_letters, began) = (scenario.name, scenario.dead_letters, Instant::now());
    let all = match explore(&scenario.world(rules)) {
        Ok(all) => all,
        Err(failure) => panic!("{name}, {dead_letters} set aside: {failure}"),
    };
    println!("{name}, {dead_letters} set aside: {all:?} in {:.1?}", began.elapsed());
    assert!(all.completed < all.ends);
    assert_eq!(0 < all.completed, ends == Ends::InBothWays);
}

#[track_caller]
fn check_with_dead_letter(scenario: &Scenario, ends: Ends) {
    check(scenario, Rules::real(), ends);
    check(&Scenario { dead_letters: 1, ..scenario.clone() }, Rules::real(), ends);
}

fn scenario(name: &'static str, country: &str, lines: Vec<OrderLine>) -> Scenario {
    let first = vec![placed("order", country, lines)];
    Scenario { name, stock: vec![("pen", 5), ("anvil", 5)], first, ..Scenario::default() }
}

fn pens(quantity: i64, seller: &str) -> OrderLine {
    line(quantity, "pen", seller, 100)
}

#[test]
fn all_agree() {
    check_with_dead_letter(&scenario("all agree", "DE", vec![pens(2, "acme")]), Ends::InBothWays);
    let lines = vec![pens(2, "acme"), pens(2, "borealis"), pens(1, "acme")];
    check_with_dead_letter(&scenario("two sellers agree", "DE", lines), Ends::InBothWays);
}

#[test]
fn stock_is_refused() {
    check_with_dead_letter(&scenario("short", "DE", vec![pens(6, "acme")]), Ends::Cancelled);
    let unknown = vec![pens(1, "acme"), line(1, "unknown", "acme", 100)];
    check_with_dead_letter(&scenario("unknown SKU", "DE", unknown), Ends::Cancelled);
}

#[test]
fn shipment_is_refused() {
    check_with_dead_letter(&scenario("not served", "AQ", vec![pens(1, "acme")]), Ends::Cancelled);
    let heavy = vec![line(5, "anvil", "acme", 1_000_000)];
    check_with_dead_letter(&scenario("too heavy", "DE", heavy), Ends::Cancelled);
}

#[test]
fn a_seller_declines() {
    let unknown = vec![pens(1, "acme"), pens(1, "nobody")];
    check_with_dead_letter(
        &scenario("one of two sellers is unknown", "DE", unknown),
        Ends::Cancelled,
    );
    check_with_dead_letter(&scenario("suspended", "DE", vec![pens(1, "dormant")]), Ends::Cancelled);
}

#[test]
fn all_refuse() {
    let lines = vec![line(1, "unknown", "nobody", 100)];
    check_with_dead_letter(&scenario("all refuse", "AQ", lines), Ends::Cancelled);
    check_with_dead_letter(&scenario("no lines", "DE", vec![]), Ends::Cancelled);
    check_with_dead_letter(
        &scenario("too many lines", "DE", vec![pens(1, "acme"); 101]),
        Ends::Cancelled,
    );
}

#[test]
fn a_cancellation_is_requested() {
    let later = vec![cancellation("order")];
    let requested = scenario("request", "DE", vec![pens(2, "acme")]);
    check_with_dead_letter(&Scenario { later: later.clone(), ..requested }, Ends::InBothWays);
    let refused = scenario("request and refusal", "DE", vec![pens(6, "acme")]);
    check(&Scenario { later, ..refused }, Rules::real(), Ends::Cancelled);
}

#[test]
fn it_is_placed_twice() {
    let mut twice = scenario("placed twice", "DE", vec![pens(2, "acme")]);
    twice.first.push(placed("order", "DE", vec![pens(1, "acme")]));
    check(&twice, Rules::real(), Ends::InBothWays);
}

/// The broker keeps what one service says about one order in its order. No decision rests on it.
#[test]
fn without_the_order_of_streams() {
    let rules = Rules { streams_are_ordered: false, ..Rules::real() };
    let lines = vec![pens(1, "acme"), pens(1, "borealis"), pens(1, "copperfield")];
    let requested = scenario("request, streams in any order", "DE", lines);
    check(&Scenario { later: vec![cancellation("order")], ..requested }, rules, Ends::InBothWays);
}

#[test]
#[ignore = "visits some million states, which takes minutes"]
fn it_is_placed_twice_and_more() {
    let mut twice = scenario("placed twice", "DE", vec![pens(2, "acme")]);
    twice.first.push(placed("order", "DE", vec![pens(1, "acme")]));
    check_with_dead_letter(&twice, Ends::InBothWays);
    twice.later.push(cancellation("order"));
    check(&twice, Rules::real(), Ends::InBothWays);
}
