//! A trial: orders at a steady rate while something is done to the parts. Then all orders have to
//! end within a limit, nothing may have become a dead letter, and the checker decides about the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::check::Expected;
use crate::databases::Storage;
use crate::local::{LocalParts, Part};
use crate::orders::Order;
use crate::processes::Instance;
use crate::proxy::Proxy;
use crate::service::{Service, usual_arguments};
use crate::world::World;

/// Orders a second.
pub const RATE: u32 = 50;

/// More than are placed before one of the trial's waits has failed.
pub const ORDERS_MAX: usize = RATE as usize * 240;

/// After the end of a fault everything is at rest within this time, the rest of the load included. A
/// member of a group that Kafka takes for dead counts for ten seconds, and the pause between two
/// tries is five seconds at most.
pub const RECOVERY_MAX: Duration = Duration::from_secs(60);

/// So long it goes well, before the harm and after it.
const WELL: Duration = Duration::from_secs(3);

/// A world on parts of its own, with one instance of each service.
pub struct Trial {
    name: String,
    world: World,
    instances: BTreeMap<Service, Instance>,
    /// The last field: the parts go when all else has gone.
    parts: LocalParts,
}

impl Trial {
    /// Starts everything. `test` is the name of the test's file, `case` that of its function.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start(test: &str, case: &str) -> Self {
        Self::on(LocalParts::start(&name(test, case)), test, case, str::to_owned)
    }

    /// The same, and the services reach `part` by a proxy only.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start_by_proxy(part: Part, test: &str, case: &str) -> (Self, Proxy) {
        let (parts, proxy) = match part {
            Part::Kafka => LocalParts::start_by_proxy(&name(test, case)),
            Part::Postgres => {
                let parts = LocalParts::start(&name(test, case));
                let proxy = Proxy::to(parts.address(part));
                (parts, proxy)
            }
        };
        let (own, by) = (parts.address(part).to_string(), proxy.address().to_string());
        (Self::on(parts, test, case, |address| address.replace(&own, &by)), proxy)
    }

    /// `reach` makes of an address the one that the services are given.
    fn on(parts: LocalParts, test: &str, case: &str, reach: impl Fn(&str) -> String) -> Self {
        let name = name(test, case);
        let again = format!("cargo test -p tests --features real --test {test} {case}");
        let mut world = World::on_own(&parts.addresses(), &name, Storage::Postgres, &again);
        let brokers = reach(world.kafka.brokers());
        let instances = Service::ALL.map(|service| {
            let url = reach(world.databases.url(service));
            let common = ["-b", &brokers, "--database-url", &url];
            let arguments = [&common[..], usual_arguments(service)].concat();
            (service, world.processes.start(service, &arguments, &world.environment))
        });
        for (_, instance) in instances {
            world.processes.wait_ready(instance);
        }
        Self { name, world, instances: instances.into(), parts }
    }

    /// The parts that are to be harmed.
    #[must_use]
    pub fn parts(&self) -> &LocalParts {
        &self.parts
    }

    /// Kills a part with SIGKILL, leaves it away for three seconds, and starts it again.
    ///
    /// # Panics
    /// It is still there after the signal, or does not start.
    pub fn kill_and_start_again(&self, part: Part) {
        self.parts.signal(part, "KILL");
        sleep(Duration::from_secs(3));
        assert!(is_away(self.parts.address(part)), "{part:?} is killed");
        self.parts.start_again(part);
    }

    /// The world that is to bear it.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// How many events the services have met that they had handled before, by their metrics.
    ///
    /// # Panics
    /// One does not tell.
    #[must_use]
    pub fn repeats(&self) -> f64 {
        let of = |instance: &Instance| -> f64 {
            let page = self.world.processes.get(*instance, "/metrics").expect("metrics").body;
            let lines = page.lines().filter(|line| line.starts_with("choreography_repeats_total"));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
        };
        self.instances.values().map(of).sum()
    }

    /// Places `orders` while `harm` is done, and judges what has become of it all. `harm` returns
    /// when all is well again.
    ///
    /// # Panics
    /// Not everything is at rest in time, a service has ended or is not ready, something became a
    /// dead letter, or the checker finds something.
    pub fn survives(mut self, seed: u64, orders: &[Order], harm: impl FnOnce(&Self)) {
        let mut times = None;
        let placed = self.world.load.place_while(orders, RATE, || {
            sleep(WELL);
            let began = Instant::now();
            harm(&self);
            times = Some((began.elapsed(), Instant::now()));
            sleep(WELL);
        });
        let (harmed, healed) = times.expect("the load waits for the harm");
        let limit = RECOVERY_MAX.saturating_sub(healed.elapsed());
        self.world.wait_at_rest(placed, limit);
        let recovered = healed.elapsed();
        for instance in self.instances.values() {
            self.world.processes.wait_ready(*instance);
        }
        tell(&format!(
            "{}, seed {seed}: {placed} orders, {RATE} a second; harm for {:.1} s; at rest {:.1} s after it",
            self.name,
            harmed.as_secs_f64(),
            recovered.as_secs_f64()
        ));
        let orders = &orders[..placed];
        self.world.finish(&Expected { orders, dead: BTreeSet::new() });
    }
}

fn name(test: &str, case: &str) -> String {
    format!("{test}_{case}")
}

/// Whether nobody listens there.
fn is_away(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err()
}

#[expect(clippy::print_stderr, reason = "a figure for whoever runs the test with --nocapture")]
fn tell(figures: &str) {
    eprintln!("{figures}");
}
