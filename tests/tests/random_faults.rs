//! One round of the random suite: faults drawn by a fixed seed, one after the other, while orders come
//! in by Kafka and over HTTP. The whole of it, for as long as one likes, is example `suite`.

use clap::ValueEnum;
use tests::databases::Storage;
use tests::suite::{Kind, Parts, Plan, Report, round};
use tests::told;

const SEED: u64 = 61;

#[test]
fn one_round() {
    let kinds = Kind::value_variants().to_vec();
    let plan = Plan { seed: SEED, rate: 50, orders: 3_000, storage: Storage::Postgres, kinds };
    let parts = Parts::start("random_faults");
    let again = "cargo test -p tests --features real --test random_faults";
    let round = round(&parts, &plan, again);
    told::figure(&round.line());
    let mut report = Report::default();
    report.add(&round);
    report.table().iter().for_each(|line| told::figure(line));
    assert!(round.violations.is_empty(), "{:?}", round.violations);
    assert!(3 <= report.faults(), "too few faults to tell anything");
}
