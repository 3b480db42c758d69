//! Any events in any order.

use proptest::prelude::*;

use super::*;

fn any_event() -> impl Strategy<Value = Heard<Hears>> {
    let cause = || 1..3u128;
    let seller = || prop::sample::select(vec!["acme", "globex", "initech"]);
    let event = prop_oneof![
        2 => Just(placed(0)),
        2 => cause().prop_map(|cause| reserved(0, cause)),
        1 => cause().prop_map(|cause| short(0, cause)),
        2 => cause().prop_map(|cause| planned(0, cause)),
        1 => cause().prop_map(|cause| not_served(0, cause)),
        4 => (cause(), seller()).prop_map(|(cause, seller)| notified(0, cause, seller)),
        1 => (cause(), seller()).prop_map(|(cause, seller)| declined(0, cause, seller)),
        1 => Just(requested(0, "no")),
        1 => Just(deadline(0)),
        1 => Just(delivered(0, 5)),
    ];
    (event, any::<u128>()).prop_map(|(heard, number)| Heard { id: id(number), ..heard })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes in whatever order: an order ends once, is completed once and only when it
    /// was confirmed, and its status is what was said.
    #[test]
    fn ends_once(events in prop::collection::vec(any_event(), 0..30)) {
        let mut book = book();
        let mut said_so_far = vec![];
        let mut first_placed: Option<EventId> = None;
        for (n, mut heard) in events.into_iter().enumerate() {
            // The first OrderPlaced is number 1, so that answers can meet it.
            if let Hears::OrderPlaced(_) = heard.event {
                heard.id = if first_placed.is_none() { id(1) } else { heard.id };
                first_placed.get_or_insert(heard.id);
            }
            let said = react(&mut book, &heard, Timestamp(n.try_into().unwrap()));
            said_so_far.extend(said);
        }
        let count = |name: &str| said_so_far.iter().filter(|said| match said {
            Said::Now(event) => choreography::service::Events::name(event).name == name,
            Said::After(..) => name == "deadline set",
            Said::Itself => name == "OrderDeadlinePassed",
            Said::Ignored(_) => name == "nothing",
        }).count();
        let (confirmed, cancelled) = (count("OrderConfirmed"), count("OrderCancelled"));
        prop_assert!(confirmed + cancelled <= 1);
        prop_assert!(count("OrderCompleted") <= confirmed);
        prop_assert!(count("OrderDeadlinePassed") <= cancelled);
        prop_assert!(count("deadline set") <= 1);
        match book.orders.get(&order()).and_then(|order| order.placed.as_ref()) {
            None => {
                let only_ignored = said_so_far.iter().all(|said| matches!(said, Said::Ignored(_)));
                prop_assert!(only_ignored && first_placed.is_none());
            }
            Some(placed) => {
                let expected = match (confirmed, cancelled, count("OrderCompleted")) {
                    (0, 0, 0) => "placed",
                    (1, 0, 0) => "confirmed",
                    (0, 1, 0) => "cancelled",
                    (1, 0, 1) => "completed",
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                };
                prop_assert_eq!(placed.status.name(), expected);
            }
        }
    }
}
