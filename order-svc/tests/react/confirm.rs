//! An order that all agree to.

use super::*;

#[test]
fn order_placed_sets_the_deadline() {
    check(&[], placed(1), &[deadline_set()]);
    check(&all_agree()[..3], placed(1), &[deadline_set()]);
}

#[test]
fn last_agreement_confirms_in_every_order_of_arrival() {
    let events = [vec![placed(1)], all_agree().to_vec()].concat();
    for events in permutations(&events) {
        assert_eq!(story(&events), [(4, confirmed(&[2, 3, 4, 5]))], "{events:#?}");
    }
}

#[test]
fn no_single_answer_is_enough() {
    for missing in 0..4 {
        let mut answers = all_agree().to_vec();
        answers.remove(missing);
        assert_eq!(story(&[vec![placed(1)], answers].concat()), []);
    }
}

#[test]
fn only_answers_to_the_order_placed_that_counts_count() {
    let others = [reserved(12, 9), planned(13, 9), notified(14, 9, "acme"), short(15, 9)];
    let given = [vec![placed(1)], others.to_vec(), all_agree()[..3].to_vec()].concat();
    check(&given, notified(5, 1, "globex"), &[confirmed(&[2, 3, 4, 5])]);
    // Nor do they count when they come before the order.
    let given = [others.to_vec(), all_agree().to_vec()].concat();
    check(&given, placed(1), &[confirmed(&[2, 3, 4, 5])]);
    check(&[others[3].clone()], placed(1), &[deadline_set()]);
    assert_eq!(after_hearing(&[others[3].clone(), placed(1)]), after_hearing(&[placed(1)]));
    // What answers nothing is no answer.
    let no_cause = Heard { cause: None, ..short(2, 1) };
    check(&[placed(1)], no_cause, &[ignored("it answers nothing")]);
    let another = ignored("it answers another OrderPlaced than the one that counts");
    check(&[placed(1)], others[3].clone(), &[another]);
}

#[test]
fn each_counts_once_and_only_who_was_asked() {
    let given = [placed(1), reserved(2, 1), reserved(12, 1), short(13, 1), planned(3, 1)];
    check(&given, notified(4, 1, "acme"), &[]);
    let given = [&given[..], &[notified(4, 1, "acme"), notified(14, 1, "acme")]].concat();
    check(&given, notified(5, 1, "globex"), &[confirmed(&[2, 3, 4, 5])]);
    check(&[placed(1)], declined(4, 1, "initech"), &[ignored("this seller was not asked")]);
    let before = ignored("whoever says it has answered before");
    check(&[placed(1), reserved(2, 1)], short(13, 1), &[before]);
    check(&[declined(4, 1, "initech")], placed(1), &[deadline_set()]);
}

#[test]
fn another_order_placed_with_the_same_order_id_changes_nothing() {
    let other = event(9, order_placed(&["initech"]));
    for given in [vec![placed(1)], confirmed_order(), vec![placed(1), short(2, 1)]] {
        check(&given, other.clone(), &[Said::NOT_THE_FIRST]);
        let with_other = [given.clone(), vec![other.clone()]].concat();
        assert_eq!(after_hearing(&with_other), after_hearing(&given));
    }
}

#[test]
fn delivery_completes_a_confirmed_order_once() {
    let given = confirmed_order();
    check(&given, delivered(8, 5), &[completed(5)]);
    check(&[given.clone(), vec![delivered(8, 5)]].concat(), delivered(9, 6), &[]);
    // Before the confirmation it is remembered.
    check(&[placed(1)], delivered(8, 5), &[]);
    let early = [vec![delivered(8, 5), delivered(9, 6)], given].concat();
    check(&early[..6], early[6].clone(), &[confirmed(&[2, 3, 4, 5]), completed(5)]);
    check(&[placed(1), short(2, 1)], delivered(8, 5), &[]);
    check(&[], delivered(8, 5), &[]);
}

#[test]
fn early_answers_are_bounded() {
    let many: Vec<_> = (100..1_000).map(|n| notified(n, n, "acme")).collect();
    let mut book = after_hearing(&many);
    assert_eq!(book.orders[&order()].answers.len(), 204);
    react(&mut book, &placed(1), NOW);
    assert_eq!(book.orders[&order()].answers.len(), 0);
    react(&mut book, &short(2, 1), NOW);
    assert_eq!(status(&book).name(), "cancelled");
}

#[test]
fn when_is_kept() {
    let mut book = book();
    for (time, heard) in (0..).zip([confirmed_order(), vec![delivered(8, 77)]].concat()) {
        react(&mut book, &heard, Timestamp(time));
    }
    let order = &book.orders[&order()];
    let placed = order.placed.clone().unwrap();
    assert_eq!(placed.at, Timestamp(0));
    assert_eq!(placed.status, Status::Completed { confirmed_at: Timestamp(4) });
    assert_eq!(order.delivered_at, Some(Timestamp(77)));
    let heard_at: Vec<_> = order.answers.iter().map(|a| a.at.0).collect();
    assert_eq!(heard_at, [1, 2, 3, 4]);
}
