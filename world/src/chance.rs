//! Many orders at random: hot, unknown and plentiful goods, orders placed twice, requests to
//! cancel, dead letters, copies and deadlines, all in any order. A seed makes the same run again.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use shared_events::orders::OrderLine;

use crate::events::Event;
use crate::parties::Party;
use crate::scenario::{Scenario, cancellation, line, placed, received};
use crate::story::Failure;
use crate::world::{Rules, Step, World};

/// What happened in some runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many runs.
    pub runs: usize,
    /// Steps that were taken.
    pub steps: usize,
    /// Orders that were completed.
    pub completed: usize,
    /// Orders that were cancelled.
    pub cancelled: usize,
    /// Orders that were cancelled by their deadline.
    pub out_of_time: usize,
    /// Events that were set aside.
    pub set_aside: usize,
    /// A hash of all that happened.
    pub fingerprint: u64,
}

/// How likely each kind of step is in one run, so that runs differ: in one a service is slow, in
/// another deadlines are short.
struct Mood {
    hears: [u32; 4],
    comes: u32,
    fires: u32,
    sets_aside: u32,
    replays: u32,
    copies: f64,
}

/// One run.
///
/// # Errors
/// A law that is broken, with what concerns that order or SKU.
///
/// # Panics
/// A step cannot be taken.
pub fn run(seed: u64, rules: Rules) -> Result<Tally, Failure> {
    let mut chance = StdRng::seed_from_u64(seed);
    let start = scenario(&mut chance).world(rules);
    let mood = mood(&mut chance);
    let mut world = start.clone();
    let mut taken = vec![];
    loop {
        let steps = world.steps();
        if steps.is_empty() {
            break;
        }
        let step = steps.choose_weighted(&mut chance, |step| mood.weight(*step));
        let step = step.expect("whenever there is a step there is one that is not impossible");
        let copied = !world.log.is_empty() && chance.random_bool(mood.copies);
        let step = if copied { copy(&world, &mut chance) } else { *step };
        world.now.0 += chance.random_range(0..20);
        taken.push(step);
        world.take(step).map_err(|broken| Failure::new(broken, &start, &taken))?;
    }
    world.check_end().map_err(|broken| Failure::new(broken, &start, &taken))?;
    Ok(tally(&world, &taken))
}

fn copy(world: &World, chance: &mut StdRng) -> Step {
    let party = Party::ALL[chance.random_range(0..Party::ALL.len())];
    Step::Repeat(party, chance.random_range(0..world.log.len()))
}

fn mood(chance: &mut StdRng) -> Mood {
    let mut one_of = |weights: &[u32]| weights[chance.random_range(0..weights.len())];
    Mood {
        hears: std::array::from_fn(|_| one_of(&[10, 100, 1000])),
        comes: one_of(&[10, 100, 1000]),
        fires: one_of(&[1, 10, 100, 1000]),
        sets_aside: one_of(&[0, 1, 10]),
        replays: one_of(&[1, 100]),
        copies: f64::from(one_of(&[0, 1, 10])) / 100.0,
    }
}

impl Mood {
    fn weight(&self, step: Step) -> u32 {
        match step {
            Step::Append(_) => self.comes,
            Step::Hear(party, _) => self.hears[party as usize],
            Step::SetAside(..) | Step::SetTimerAside(..) => self.sets_aside,
            Step::Replay(..) => self.replays,
            Step::Fire(..) => self.fires,
            Step::Repeat(..) => 0,
        }
    }
}

/// Some orders, with all that can go wrong with them.
fn scenario(chance: &mut StdRng) -> Scenario {
    let mut later = vec![];
    for number in 0..chance.random_range(1..40) {
        let order = format!("order-{number}");
        later.push(order_placed(&order, chance));
        if chance.random_bool(0.1) {
            later.push(order_placed(&order, chance));
        }
        if chance.random_bool(0.2) {
            later.push(cancellation(&order));
        }
    }
    for _ in 0..chance.random_range(0..10) {
        later.push(received(chance.random_range(1..5), ["hot", "new"][chance.random_range(0..2)]));
    }
    let dead_letters = [0, 5, 50][chance.random_range(0..3)];
    let stock = vec![("plentiful", 10_000), ("hot", chance.random_range(0..20))];
    Scenario { name: "chance", stock, later, dead_letters, ..Scenario::default() }
}

fn order_placed(order: &str, chance: &mut StdRng) -> Event {
    let country = if chance.random_bool(0.95) { "DE" } else { "AQ" };
    let lines = match chance.random_range(0..100) {
        0 => 0,
        1 => 101,
        _ => chance.random_range(1..4),
    };
    placed(order, country, (0..lines).map(|_| some_line(chance)).collect())
}

fn some_line(chance: &mut StdRng) -> OrderLine {
    let sku = match chance.random_range(0..100) {
        0..4 => "unknown",
        4..10 => "new",
        10..40 => "hot",
        _ => "plentiful",
    };
    let seller = match chance.random_range(0..100) {
        0..3 => "nobody",
        3..6 => "dormant",
        6..50 => "acme",
        _ => "borealis",
    };
    let grams = if chance.random_bool(0.97) { 100 } else { 1_000_000 };
    line(chance.random_range(1..4), sku, seller, grams)
}

fn tally(world: &World, taken: &[Step]) -> Tally {
    let count = |name| world.log.iter().filter(|record| record.name() == name).count();
    let set_aside = |step: &&Step| matches!(step, Step::SetAside(..) | Step::SetTimerAside(..));
    Tally {
        runs: 1,
        steps: taken.len(),
        completed: count("OrderCompleted"),
        cancelled: count("OrderCancelled"),
        out_of_time: count("OrderDeadlinePassed"),
        set_aside: taken.iter().filter(set_aside).count(),
        fingerprint: world.fingerprint(),
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.completed += other.completed;
        self.cancelled += other.cancelled;
        self.out_of_time += other.out_of_time;
        self.set_aside += other.set_aside;
        self.fingerprint ^= other.fingerprint;
    }
}
