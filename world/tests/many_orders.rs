//! Many orders at random, with fixed seeds and a fresh one.

use world::chance::{Tally, run};
use world::world::Rules;

/// How many fixed seeds there are: 0, 1, 2, …
const SEEDS: u64 = 200;

#[track_caller]
fn check(seeds: impl IntoIterator<Item = u64>, rules: Rules) -> Tally {
    let mut all = Tally::default();
    for seed in seeds {
        match run(seed, rules) {
            Ok(tally) => all += tally,
            Err(failure) => panic!(
                "seed {seed}: {failure}\nTo repeat it: \
                 WORLD_SEED={seed} cargo test -p world --test many_orders one_seed"
            ),
        }
    }
    all
}

#[test]
fn fixed_seeds() {
    let all = check(0..SEEDS, Rules::real());
    println!("{all:?}");
    // The runs reach what they are for.
    let reached = [all.completed, all.cancelled, all.out_of_time, all.set_aside];
    assert!(reached.iter().all(|count| 100 < *count), "{all:?}");
}

/// The seed in WORLD_SEED, or else a fresh one.
#[test]
fn one_seed() {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line")]
    let given = std::env::var("WORLD_SEED").ok();
    let seed = given.map_or_else(rand::random, |seed| seed.parse().unwrap());
    println!("seed {seed}: {:?}", check([seed], Rules::real()));
}

#[test]
fn a_seed_makes_the_same_run_again() {
    for seed in 0..3 {
        let [first, second] = [run(seed, Rules::real()), run(seed, Rules::real())];
        assert_eq!(first.unwrap(), second.unwrap());
    }
}

/// The broker keeps what one service says about one order in its order. No decision rests on it.
#[test]
fn without_the_order_of_streams() {
    check(0..SEEDS / 4, Rules { streams_are_ordered: false, ..Rules::real() });
}
