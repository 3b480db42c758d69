//! The random suite: orders at a steady rate, and faults drawn by a seed all the while. Round after
//! round, each on fresh topics and databases of the same Kafka and PostgreSQL; at the end of each all
//! has to come to rest, and the checker decides.

mod faults;
mod harm;
mod report;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use faults::{Fault, Faults, Kind};
pub use harm::Proxies;
pub use report::{Happened, Report, Round};

use crate::binaries::Build;
use crate::customer::{Customer, Ordered};
use crate::databases::Storage;
use crate::local::{LocalParts, Part};
use crate::orders;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::trial::{Setup, Trial};
use crate::wait;
use harm::harm;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// All chance comes from it. The next round has the next one.
    pub seed: u64,
    /// Orders a second.
    pub rate: u32,
    /// No row of faults begins in a round after so many orders.
    pub orders: usize,
    /// Where the services keep their state.
    pub storage: Storage,
    /// What may happen.
    pub kinds: Vec<Kind>,
}

/// After the last fault of a row as many orders have ended within this time as had been placed by
/// then, and after the last one of a round all is at rest.
pub const RECOVERY_MAX: Duration = Duration::from_secs(120);

/// A row of faults takes less time than this, whatever is drawn.
const ROW_SECONDS_MAX: usize = 600;

/// A Kafka and a PostgreSQL that are reached by proxies.
pub struct Parts {
    // They end before the parts do.
    proxies: Proxies,
    local: Arc<LocalParts>,
}

impl Parts {
    /// Starts them.
    ///
    /// # Panics
    /// They do not start.
    #[must_use]
    pub fn start(name: &str) -> Self {
        let (local, kafka) = LocalParts::start_by_proxy(name);
        let postgres = Proxy::to(local.address(Part::Postgres));
        Self { proxies: Proxies { kafka, postgres }, local: Arc::new(local) }
    }

    fn reach(&self, address: &str) -> String {
        let by = |address: String, part, proxy: &Proxy| {
            address.replace(&self.local.address(part).to_string(), &proxy.address().to_string())
        };
        let address = by(address.to_owned(), Part::Kafka, &self.proxies.kafka);
        by(address, Part::Postgres, &self.proxies.postgres)
    }
}

/// One round. `again` is the command that repeats it. After a failure its logs and databases are kept,
/// and the parts may be left in any state.
#[must_use]
pub fn round(parts: &Parts, plan: &Plan, again: &str) -> Round {
    let mut round = Round { seed: plan.seed, ..Round::default() };
    let done = catch_unwind(AssertUnwindSafe(|| try_round(parts, plan, again, &mut round)));
    if done.is_err() && round.violations.is_empty() {
        // What it was has been printed by the panic.
        round.violations.push("the round did not come to its end".to_owned());
    }
    round
}

fn try_round(parts: &Parts, plan: &Plan, again: &str, round: &mut Round) {
    let Plan { seed, rate, orders, storage, ref kinds } = *plan;
    let mut faults = Faults::of(kinds, seed);
    let setup = Setup { rate, storage, build: Build::CrashPoints, named: faults.named() };
    let name = format!("suite_{seed}");
    let mut trial =
        Trial::on(Arc::clone(&parts.local), setup, &name, again, |_, address| parts.reach(address));
    let order_svc = trial.instance(Service::Order);
    let all = orders::mix(seed, orders + rate as usize * ROW_SECONDS_MAX);
    let endured = trial.endure(&all, RECOVERY_MAX, |trial| {
        let customer = Customer::start(trial.processes().address(order_svc), seed);
        while trial.world().load.placed() < orders {
            row(trial, &parts.proxies, &faults.row(), &customer, round);
        }
        let Ordered { orders, repeats, .. } = customer.stop();
        (round.over_http, round.repeats) = (orders.len(), repeats);
        trial.has_placed(orders);
    });
    (round.placed, round.rest) = (endured.placed, endured.recovered);
    trial.end(&all[..endured.placed], &mut round.violations);
}

/// Some faults, and the recovery from them.
fn row(
    trial: &mut Trial,
    proxies: &Proxies,
    row: &[Fault],
    customer: &Customer,
    round: &mut Round,
) {
    let before = round.happened.len();
    for fault in row {
        round.happened.push(Happened { kind: fault.kind, recovery: None });
        harm(trial, proxies, fault);
        sleep(fault.pause);
    }
    let healed = Instant::now();
    let goal = trial.world().load.placed() + customer.accepted();
    wait::until("as many orders have ended as had been placed", RECOVERY_MAX, || {
        trial.processes().check_running();
        let ended = usize::try_from(trial.world().ended()).expect("a count");
        if goal <= ended { Ok(()) } else { Err(format!("{ended} of {goal} have ended")) }
    });
    let recovery = Some(healed.elapsed());
    round.happened[before..].iter_mut().for_each(|happened| happened.recovery = recovery);
}
