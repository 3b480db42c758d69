//! An order that is cancelled.

use super::*;

#[test]
fn first_refusal_cancels_in_every_order_of_arrival() {
    let refusals = [(2, SHORT), (3, NOT_SERVED), (4, ACME)];
    let events = [
        placed(1),
        short(2, 1),
        not_served(3, 1),
        declined(4, 1, "acme"),
        notified(5, 1, "globex"),
    ];
    for events in permutations(&events) {
        let position = |number| events.iter().position(|h| h.id == id(number)).unwrap();
        let first = refusals.iter().map(|(number, _)| position(*number)).min().unwrap();
        let end = position(1).max(first);
        // All that is known at that moment is given as a reason.
        let known = refusals.iter().filter(|(number, _)| position(*number) <= end);
        let known: Vec<_> = known.map(|(_, reason)| *reason).collect();
        assert_eq!(story(&events), [(end, cancelled(&known))], "{events:#?}");
    }
}

#[test]
fn one_refusal_among_agreements_cancels_in_every_order_of_arrival() {
    let events = [
        placed(1),
        reserved(2, 1),
        planned(3, 1),
        declined(4, 1, "acme"),
        notified(5, 1, "globex"),
    ];
    for events in permutations(&events) {
        let position = |number| events.iter().position(|h| h.id == id(number)).unwrap();
        let end = position(1).max(position(4));
        assert_eq!(story(&events), [(end, cancelled(&[ACME]))], "{events:#?}");
    }
}

#[test]
fn request_deadline_and_agreements_in_every_order_end_the_order_once() {
    let events = [vec![placed(1), requested(6, "changed my mind")], all_agree().to_vec()].concat();
    for events in permutations(&events) {
        let position = |number| events.iter().position(|h| h.id == id(number)).unwrap();
        let agreed = (1..=5).map(position).max().unwrap();
        let requested = position(6).max(position(1));
        // When the request and the OrderPlaced that all waited for meet, the request counts.
        let expected = if requested <= agreed {
            (requested, cancelled(&[(Requested, "changed my mind")]))
        } else {
            (agreed, confirmed(&[2, 3, 4, 5]))
        };
        // A deadline comes after its order; after the end it changes nothing.
        let with_deadline = [events.clone(), vec![deadline(7)]].concat();
        assert_eq!(story(&with_deadline), [expected], "{events:#?}");
    }
}

#[test]
fn request_cancels_before_the_confirmation_only() {
    let asked = requested(6, "changed my mind");
    let expected = [cancelled(&[(Requested, "changed my mind")])];
    check(&[], asked.clone(), &[]);
    check(std::slice::from_ref(&asked), placed(1), &expected);
    check(&[asked.clone(), requested(7, "again")], placed(1), &expected);
    check(&[placed(1)], asked.clone(), &expected);
    check(&[placed(1), asked.clone()], requested(7, "again"), &[]);
    check(&confirmed_order(), asked.clone(), &[]);
    check(&[placed(1), short(2, 1)], asked.clone(), &[]);
    // A refusal that is known when the order is heard is a reason, too.
    let both = [cancelled(&[(Requested, "changed my mind"), SHORT])];
    check(&[short(2, 1), asked], placed(1), &both);
}

#[test]
fn deadline_cancels_and_says_who_has_not_answered() {
    let not = |reasons: &[&str]| {
        let reasons: Vec<_> = reasons.iter().map(|who| (NotAnswered, *who)).collect();
        [Said::Itself, cancelled(&reasons)]
    };
    let all = ["inventory-svc", "logistics-svc", "seller-svc: acme, globex"];
    check(&[placed(1)], deadline(7), &not(&all));
    check(&[placed(1), reserved(2, 1)], deadline(7), &not(&all[1..]));
    check(&[placed(1), reserved(2, 1), planned(3, 1)], deadline(7), &not(&all[2..]));
    let agree = all_agree();
    let given = [&[placed(1)], &agree[..3]].concat();
    check(&given, deadline(7), &not(&["seller-svc: globex"]));
    let given = [&[placed(1)], &agree[1..]].concat();
    check(&given, deadline(7), &not(&["inventory-svc"]));
}

#[test]
fn deadline_of_a_decided_order_says_nothing() {
    let complete = [confirmed_order(), vec![delivered(8, 5)]].concat();
    let ended = [
        confirmed_order(),
        complete,
        vec![placed(1), short(2, 1)],
        vec![placed(1), requested(6, "no")],
        vec![placed(1), deadline(17)],
    ];
    for given in ended {
        check(&given, deadline(7), &[]);
        let heard = [given.clone(), vec![deadline(7)]].concat();
        assert_eq!(after_hearing(&heard), after_hearing(&given));
    }
    check(&[], deadline(7), &[]);
    check(&[reserved(2, 1)], deadline(7), &[]);
}

#[test]
fn answer_after_the_end_changes_only_what_is_shown() {
    let given = [placed(1), short(2, 1)];
    check(&given, planned(3, 1), &[]);
    check(&given, not_served(3, 1), &[]);
    let before = after_hearing(&given);
    let after = after_hearing(&[&given[..], &[not_served(3, 1)]].concat());
    assert_eq!(status(&before), status(&after));
    let shown: Vec<_> = after.orders[&order()].answers.iter().map(|a| (a.id, &a.by)).collect();
    assert_eq!(shown, [(id(2), &Answerer::Inventory), (id(3), &Answerer::Logistics)]);
    assert_eq!(after.orders[&order()].missing().len(), 2);
}

#[test]
fn bad_order_is_cancelled_at_once() {
    let none = "the order has no lines, so no goods and no seller";
    check(&[], event(1, order_placed(&[])), &[cancelled(&[(Other, none)])]);
    let many = "the order has 101 lines, at most 100 are allowed";
    let bad = event(1, order_placed(&["acme"; 101]));
    check(&[], bad.clone(), &[cancelled(&[(Other, many)])]);
    check(&[short(2, 1)], bad.clone(), &[cancelled(&[(Other, many), SHORT])]);
    check(std::slice::from_ref(&bad), placed(9), &[Said::NOT_THE_FIRST]);
    check(std::slice::from_ref(&bad), deadline(7), &[]);
    let book = after_hearing(&[bad]);
    let kept = book.orders[&order()].placed.clone().unwrap().body.unwrap();
    assert_eq!(kept.lines.len(), 100);
    check(&[], event(1, order_placed(&["acme"; 100])), &[deadline_set()]);
}

#[test]
fn words_of_others_are_shortened() {
    let long = "\u{fc}".repeat(10_000);
    let expected = "\u{fc}".repeat(500);
    check(&[placed(1)], requested(6, &long), &[cancelled(&[(Requested, &expected)])]);
    let reason = ShipmentRejection::Other;
    let rejected = ShipmentRejected { order_id: order(), reason, detail: long };
    let expected = [cancelled(&[(NotShipped, &format!("logistics-svc: {expected}"))])];
    check(&[placed(1)], answer(3, 1, rejected), &expected);
}

#[test]
fn reasons_are_told_in_words() {
    let stock = |reason, expected: &str| {
        let rejected = StockRejected { order_id: order(), reason, shortages: vec![] };
        check(&[placed(1)], answer(2, 1, rejected), &[cancelled(&[(NoStock, expected)])]);
    };
    stock(StockRejection::Short, "inventory-svc: short");
    let early = "inventory-svc: the order was cancelled before it was heard";
    stock(StockRejection::OrderCancelled, early);
    stock(StockRejection::Other, "inventory-svc: no stock for such an order");
}
