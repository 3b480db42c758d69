//! Each state, from records and offsets as data.

mod scene;

use std::collections::BTreeMap;

use choreography::announce::{Offsets, Published};
use choreography::manifest::{Answers, Manifest};
use flow::sight::End;
use flow::story::{Record, Story};
use flow::{State, Verdict};
use scene::{ORDER, Says, Scene, answer, confirmed, event, id, record};
use shared_events::amounts::Timestamp;
use shared_events::inventory::StockReserved;
use shared_events::logistics::ShipmentPlanned;
use shared_events::orders::{OrderCancelled, OrderCompleted, OrderConfirmed, OrderPlaced};

#[test]
fn an_answer_says_who_what_and_after_how_long() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<StockReserved>("inventory-svc", answer(2, 1));
    let State::Answered { by, of, after_ms } = scene.state(1, "inventory-svc") else {
        panic!("{:?}", scene.state(1, "inventory-svc"))
    };
    assert_eq!((by[0].name.as_str(), by.len(), of, after_ms), ("StockReserved", 1, Some(1), 10));
}

#[test]
fn an_answer_counts_wherever_the_group_stands() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<StockReserved>("inventory-svc", answer(2, 1));
    // The group was moved back, or has not committed yet.
    scene.commit("inventory-svc", "orders", 0);
    assert!(matches!(scene.state(1, "inventory-svc"), State::Answered { .. }));
}

#[test]
fn another_services_answer_is_not_its_answer() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<StockReserved>("imposter", answer(2, 1));
    assert_eq!(scene.state(1, "inventory-svc"), State::NeverStarted);
}

#[test]
fn a_confirmation_answers_all_that_it_lists() {
    let mut scene = Scene::new();
    scene.say::<StockReserved>("inventory-svc", event(2));
    scene.say::<ShipmentPlanned>("logistics-svc", event(3));
    let says = answer(4, 3);
    scene.append("orders", record::<OrderConfirmed>("order-svc", says, confirmed(&[2, 3])));
    for event in [2, 3] {
        let State::Answered { by, .. } = scene.state(event, "order-svc") else { panic!("{event}") };
        assert_eq!(by[0].name, "OrderConfirmed");
    }
}

#[test]
fn one_of_two_answers_is_waited_for_and_missing_once_the_group_is_past_it() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    let one_of_two = Says { answers: Some((1, 2)), ..answer(2, 1) };
    scene.say::<StockReserved>("inventory-svc", one_of_two);
    scene.commit("inventory-svc", "orders", 0);
    assert!(matches!(scene.state(1, "inventory-svc"), State::Behind { .. }));
    scene.taken("inventory-svc", "orders");
    assert_eq!(scene.state(1, "inventory-svc"), State::AnswerMissing);
    scene.say::<StockReserved>("inventory-svc", Says { answers: Some((2, 2)), ..answer(3, 1) });
    assert!(matches!(scene.state(1, "inventory-svc"), State::Answered { of: Some(2), .. }));
}

#[test]
fn what_a_timer_brings_is_no_second_of_two_answers() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<StockReserved>("inventory-svc", Says { answers: Some((1, 2)), ..answer(2, 1) });
    scene.say::<StockReserved>("inventory-svc", Says { answers: None, ..answer(3, 1) });
    scene.taken("inventory-svc", "orders");
    assert_eq!(scene.state(1, "inventory-svc"), State::AnswerMissing);
}

#[test]
fn what_is_always_answered_is_missing_and_what_is_sometimes_answered_is_taken() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<OrderCancelled>("order-svc", event(2));
    scene.taken("inventory-svc", "orders");
    assert_eq!(scene.state(1, "inventory-svc"), State::AnswerMissing);
    assert_eq!(scene.state(2, "inventory-svc"), State::Taken);
    assert_eq!(scene.judge().verdict, Verdict::Broken);
}

#[test]
fn a_second_order_of_that_id_is_not_the_first() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<OrderPlaced>("choreo", event(5));
    scene.say::<StockReserved>("inventory-svc", answer(2, 5));
    scene.taken("inventory-svc", "orders");
    assert_eq!(scene.state(1, "inventory-svc"), State::NotTheFirst);
    assert!(matches!(scene.state(5, "inventory-svc"), State::Answered { .. }));
}

#[test]
fn a_group_is_behind_by_records_and_time_or_never_started() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    assert_eq!(scene.state(1, "inventory-svc"), State::NeverStarted);
    scene.say::<OrderCancelled>("order-svc", event(2));
    scene.commit("inventory-svc", "orders", 0);
    assert_eq!(scene.state(1, "inventory-svc"), State::Behind { records: 1, for_ms: 10 });
    assert_eq!(scene.state(2, "inventory-svc"), State::Behind { records: 2, for_ms: 0 });
    assert!(!scene.judge().events[0].heard_by[0].is_late);
    scene.sight.at = Timestamp(60_000);
    assert!(scene.judge().events[0].heard_by[0].is_late);
    // A partition of which it has committed nothing, though it has of others.
    scene.sight.committed.clear();
    scene.commit("inventory-svc", "sellers", 7);
    assert!(matches!(scene.state(1, "inventory-svc"), State::Behind { records: 1, .. }));
}

#[test]
fn a_dead_letter_is_told_until_its_replay_is_taken() {
    let mut scene = Scene::new();
    let placed = scene.say::<OrderPlaced>("order-svc", event(1));
    scene.taken("inventory-svc", "orders");
    scene.die("orders.inventory-svc.dlq", &placed, id(1), 1);
    let State::DeadLettered { class, error, .. } = scene.state(1, "inventory-svc") else {
        panic!()
    };
    assert_eq!((class.as_str(), error.as_str()), ("panic", "division by zero"));
    assert_eq!(scene.judge().verdict, Verdict::Broken);

    scene.die("orders.inventory-svc.replay", &placed, id(1), 1);
    assert!(matches!(scene.state(1, "inventory-svc"), State::DeadLettered { .. }), "not taken yet");
    scene.taken("inventory-svc", "orders.inventory-svc.replay");
    assert!(matches!(scene.state(1, "inventory-svc"), State::TakenByReplay { .. }));

    scene.die("orders.inventory-svc.dlq", &placed, id(1), 2);
    assert!(matches!(scene.state(1, "inventory-svc"), State::DeadLettered { .. }), "died again");
    scene.say::<StockReserved>("inventory-svc", answer(2, 1));
    assert!(matches!(scene.state(1, "inventory-svc"), State::Answered { .. }), "answered at last");
}

#[test]
fn a_damaged_event_is_known_by_where_it_stood() {
    let mut scene = Scene::new();
    let placed = scene.say::<OrderPlaced>("order-svc", event(1));
    scene.die("orders.inventory-svc.dlq", &placed, id(99), 1);
    assert!(matches!(scene.state(1, "inventory-svc"), State::DeadLettered { .. }));
}

#[test]
fn who_began_later_or_has_retired_need_not_hear() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    let at = |offset: i64| Offsets::from([("orders".to_owned(), BTreeMap::from([(0, offset)]))]);
    let heard = |scene: &Scene| scene.judge().events[0].heard_by.len();
    let inventory = |scene: &mut Scene, from: i64, until: Option<i64>| {
        let published = scene.sight.manifests.get_mut("inventory-svc/1").expect("its manifest");
        (published.from, published.until) = (at(from), until.map(at));
    };
    inventory(&mut scene, 1, None);
    assert_eq!(heard(&scene), 0);
    inventory(&mut scene, 0, Some(0));
    assert_eq!(heard(&scene), 0);
    inventory(&mut scene, 0, Some(1));
    assert_eq!(heard(&scene), 1);
}

#[test]
fn the_newest_version_of_then_says_what_is_heard() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<OrderPlaced>("order-svc", event(2));
    let second = Manifest::new("inventory-svc", 2).hears::<OrderCancelled>(Answers::Never);
    let from = Offsets::from([("orders".to_owned(), BTreeMap::from([(0, 1)]))]);
    scene.sight.manifests.insert("inventory-svc/2".to_owned(), Published::of(&second, from));
    let events = scene.judge().events;
    assert_eq!((events[0].heard_by.len(), events[1].heard_by.len()), (1, 0));
}

#[test]
fn a_group_without_a_manifest_is_told_and_decides_nothing() {
    let mut scene = Scene::new();
    scene.say::<OrderCompleted>("order-svc", event(1));
    scene.taken("billing", "orders");
    let flow = scene.judge();
    let hearing = &flow.events[0].heard_by[0];
    assert_eq!((hearing.group.as_str(), &hearing.state), ("billing", &State::Taken));
    assert!(!hearing.is_declared);
    scene.commit("billing", "orders", 0);
    assert_eq!(scene.judge().verdict, Verdict::Whole);
}

#[test]
fn who_has_set_aside_what_has_no_name_is_told() {
    let mut scene = Scene::new();
    let nameless = Record { key: Some(ORDER.into()), ..Record::default() };
    let place = scene.append("orders", nameless);
    assert_eq!(scene.judge().events[0].heard_by, []);
    scene.die("orders.inventory-svc.dlq", &place, id(99), 1);
    assert_eq!(scene.judge().events[0].heard_by[0].group, "inventory-svc");
    assert_eq!(scene.judge().verdict, Verdict::Broken);
}

#[test]
fn what_an_open_transaction_or_a_limit_hides_is_not_called_missing() {
    let mut scene = Scene::new();
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.taken("inventory-svc", "orders");
    let hidden = |end: End| {
        let mut scene = Scene {
            story: scene.story.clone(),
            sight: scene.sight.clone(),
            next: BTreeMap::new(),
            now: 0,
        };
        scene.sight.ends.insert(("inventory".to_owned(), 0), end);
        scene.state(1, "inventory-svc")
    };
    let end = End { low: 0, high: 9, stable: 9, read: 9, is_cut: false };
    assert_eq!(hidden(end), State::AnswerMissing);
    assert!(matches!(hidden(End { stable: 4, read: 4, ..end }), State::Unknown { .. }));
    assert!(matches!(hidden(End { read: 4, is_cut: true, ..end }), State::Unknown { .. }));
}

#[test]
fn an_order_is_whole_when_it_has_ended_and_all_have_heard() {
    let mut scene = Scene::new();
    assert_eq!(scene.judge().verdict, Verdict::Open);
    scene.say::<OrderPlaced>("order-svc", event(1));
    scene.say::<StockReserved>("inventory-svc", answer(2, 1));
    scene.say::<OrderCompleted>("order-svc", answer(3, 2));
    assert_eq!(scene.judge().verdict, Verdict::Whole);
}

#[test]
fn copies_are_one_event_and_the_first_of_them_counts() {
    let mut scene = Scene::new();
    let first = scene.say::<OrderPlaced>("order-svc", event(1));
    let second = scene.say::<OrderPlaced>("order-svc", event(1));
    let flow = scene.judge();
    assert_eq!(flow.events.len(), 1);
    assert_eq!((&flow.events[0].place, &flow.events[0].copies), (&first, &vec![second]));
}

#[test]
fn what_belongs_to_another_order_is_not_taken() {
    let mut story = Story::default();
    let record = record::<OrderPlaced>("order-svc", event(1), vec![]);
    assert!(!story.take("another", &record));
    // Without a correlation the key says it.
    let bare = Record { key: Some(b"another".to_vec()), ..Record::default() };
    assert!(story.take("another", &bare));
}
