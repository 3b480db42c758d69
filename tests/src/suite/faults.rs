//! The faults of the random suite, and how they are drawn.

use std::time::Duration;

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::crash;
use crate::databases::Storage;
use crate::service::Service;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// An instance is killed with SIGKILL and started again.
    InstanceKilled,
    /// The same at a named point of its work.
    CrashPoint,
    /// A second instance joins, the first one is told to end, and comes back for the second one.
    InstanceReplaced,
    /// An instance stands still (SIGSTOP) for some seconds.
    InstanceFrozen,
    /// The broker is killed with SIGKILL and started again.
    BrokerKilled,
    /// The broker stands still (SIGSTOP) for some seconds.
    BrokerFrozen,
    /// All connections to the broker end, again and again.
    BrokerCut,
    /// What passes to and from the broker is late.
    BrokerLate,
    /// Little passes to and from the broker.
    BrokerNarrow,
    /// What is sent to the broker does not arrive for some seconds.
    BrokerUnheard,
    /// What the broker answers is lost.
    BrokerAnswersLost,
    /// PostgreSQL is killed with SIGKILL and started again.
    DatabaseKilled,
    /// All connections to PostgreSQL end, again and again.
    DatabaseCut,
    /// Nothing passes to or from PostgreSQL for some seconds.
    DatabaseUnheard,
    /// What PostgreSQL answers is lost, the answer to COMMIT, too.
    DatabaseAnswersLost,
}

impl Kind {
    /// Its name, as it is written on the command line.
    ///
    /// # Panics
    /// Never: each has a name.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().expect("a name").get_name().to_owned()
    }

    /// Whether there is such a part to be harmed.
    #[must_use]
    pub fn is_possible_on(self, storage: Storage) -> bool {
        storage == Storage::Postgres || !self.name().starts_with("database-")
    }
}

/// One fault that is to happen.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its kind.
    pub kind: Kind,
    /// Whose instance, if it is about one.
    pub service: Service,
    /// Where that dies, and at the how manieth time, if it does so at a point.
    pub point: (&'static str, u32),
    /// How long it lasts, if that is to be chosen.
    pub lasts: Duration,
    /// So much later the next one comes, or is waited for the recovery.
    pub pause: Duration,
}

/// Draws faults; the same for the same seed.
pub struct Faults {
    chance: StdRng,
    kinds: Vec<Kind>,
}

/// As many faults at most in a row, each before the recovery from the one before it.
const ROW_MAX: usize = 3;

/// A frozen member of a group counts as dead after ten seconds, so some are frozen for longer.
const LASTS_MS: std::ops::RangeInclusive<u64> = 500..=15_000;

const PAUSE_MS: std::ops::RangeInclusive<u64> = 0..=3_000;

impl Faults {
    /// Of `kinds` only.
    #[must_use]
    pub fn of(kinds: &[Kind], seed: u64) -> Self {
        Self { chance: StdRng::seed_from_u64(seed), kinds: kinds.to_vec() }
    }

    /// Whether members of groups have names in this round.
    pub fn named(&mut self) -> bool {
        self.chance.random_bool(0.5)
    }

    /// The next faults in a row.
    pub fn row(&mut self) -> Vec<Fault> {
        let count = self.chance.random_range(1..=ROW_MAX);
        (0..count).map(|_| self.fault()).collect()
    }

    fn fault(&mut self) -> Fault {
        let chance = &mut self.chance;
        let service = *Service::ALL.choose(chance).expect("a service");
        let mut points = crash::points_of(service);
        // No deadline passes here.
        points.retain(|point| service != Service::Order || !point.starts_with("timer-"));
        let point = *points.choose(chance).expect("a point");
        // What is only done after a start does not come again and again.
        let times = if point.starts_with("again-") { 1 } else { chance.random_range(1..=3) };
        Fault {
            kind: *self.kinds.choose(chance).expect("a kind"),
            service,
            point: (point, times),
            lasts: Duration::from_millis(chance.random_range(LASTS_MS)),
            pause: Duration::from_millis(chance.random_range(PAUSE_MS)),
        }
    }
}
