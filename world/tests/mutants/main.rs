//! The laws bite: each of these faults, put into the decisions or the world, breaks the law that
//! is named beside it.

mod inventory;
mod logistics;
mod orders;
mod sellers;

use world::chance;
use world::explore::explore;
use world::laws::Law;
use world::parties::Decisions;
use world::scenario::{Scenario, cancellation, line, placed};
use world::story::Failure;
use world::world::Rules;

/// How many random runs a fault may survive.
const SEEDS: u64 = 50;

/// A fault and the law that it has to break.
struct Mutant(&'static str, Rules, Law);

/// The mutants of one service: the functions of that name in the module of that name.
macro_rules! mutants {
    ($module:ident: $($mutant:ident breaks $law:ident),+ $(,)?) => {
        vec![$(Mutant(
            concat!(stringify!($module), " ", stringify!($mutant)),
            Rules {
                decisions: Decisions { $module: $module::$mutant, ..Decisions::real() },
                ..Rules::real()
            },
            Law::$law,
        )),+]
    };
}

fn scenarios() -> Vec<Scenario> {
    let scenario = |country, lines| Scenario {
        stock: vec![("pen", 5)],
        first: vec![placed("order", country, lines)],
        ..Scenario::default()
    };
    let pens = |quantity| vec![line(quantity, "pen", "acme", 100)];
    let unknown = vec![line(1, "pen", "acme", 100), line(1, "unknown", "acme", 100)];
    let declined = vec![line(1, "pen", "acme", 100), line(1, "pen", "nobody", 100)];
    vec![
        scenario("DE", pens(2)),
        scenario("DE", pens(6)),
        scenario("DE", unknown),
        scenario("DE", declined),
        scenario("AQ", pens(2)),
        Scenario { later: vec![cancellation("order")], ..scenario("DE", pens(2)) },
        Scenario { dead_letters: 1, ..scenario("DE", pens(2)) },
    ]
}

/// All that can happen to one order, and if that breaks no law, many orders at random.
fn run(rules: Rules) -> Result<(), Failure> {
    for scenario in scenarios() {
        explore(&scenario.world(rules))?;
    }
    (0..SEEDS).try_for_each(|seed| chance::run(seed, rules).map(|_| ()))
}

#[expect(clippy::print_stdout, reason = "how each was caught is for people")]
fn check(mutants: Vec<Mutant>) {
    for Mutant(name, rules, law) in mutants {
        let failure = run(rules).expect_err(name);
        println!("{name}: {}", failure.broken);
        assert_eq!(failure.broken.law, law, "{name}: {failure}");
    }
}

#[test]
fn of_inventory() {
    check(mutants! { inventory:
        oversells_by_one breaks GoodsAreConserved,
        releases_twice breaks GoodsAreConserved,
        releases_in_words_only breaks SaidIsDone,
        confirms_unknown_skus breaks GoodsAreConserved,
        skips_unknown_skus breaks ConfirmedByAll,
        confirms_what_is_short breaks SaidIsDone,
        reserves_a_part breaks ConfirmedByAll,
        keeps_what_is_cancelled breaks NothingStays,
        forgets_early_cancellations breaks NothingStays,
        reserves_for_each_order_placed breaks TheFirstOrderPlacedCounts,
    });
}

#[test]
fn of_logistics() {
    check(mutants! { logistics:
        ships_anywhere breaks OnlyTheKnownIsConfirmed,
        ships_unconfirmed breaks SaidWithCause,
        keeps_what_is_cancelled breaks NothingStays,
        forgets_early_cancellations breaks NothingStays,
        loses_parcels breaks EveryOrderEnds,
        dispatches_in_silence breaks AlwaysAnswered,
    });
}

#[test]
fn of_sellers() {
    check(mutants! { sellers:
        lets_everybody_sell breaks OnlyTheKnownIsConfirmed,
        refuses_in_silence breaks AlwaysAnswered,
        tells_the_first_seller_only breaks AlwaysAnswered,
        tells_who_declined breaks SaidIsDone,
        forgets_early_cancellations breaks NothingStays,
    });
}

#[test]
fn of_orders() {
    check(mutants! { orders:
        does_not_ask_logistics breaks ConfirmedByAll,
        counts_every_answer breaks CancelledForAReason,
        names_not_all_answers breaks ConfirmedByAll,
        sets_no_deadline breaks EveryOrderEnds,
        deadline_cancels_all breaks SaidOnce,
        requests_cancel_all breaks SaidOnce,
        forgets_early_requests breaks RequestsAreHeeded,
        ignores_refusals breaks CancelledForAReason,
        gives_no_reasons breaks CancelledForAReason,
        keeps_the_newest breaks TheFirstOrderPlacedCounts,
    });
}

#[test]
fn of_the_world() {
    check(vec![
        Mutant(
            "copies are heard again",
            Rules { repeats_are_dropped: false, ..Rules::real() },
            Law::GoodsAreConserved,
        ),
        Mutant(
            "the deadline does not wait for what is in the log",
            Rules { timers_wait: false, ..Rules::real() },
            Law::CancelledForAReason,
        ),
    ]);
}
