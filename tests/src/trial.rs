//! A trial: orders at a steady rate while something is done to the parts. Then all orders have to
//! end within a limit, nothing may have become a dead letter, and the checker decides about the rest.

mod setup;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::check::{self, Expected};
use crate::local::{LocalParts, Part};
use crate::orders::Order;
use crate::processes::{Instance, Processes};
use crate::proxy::Proxy;
use crate::service::{Service, usual_arguments};
use crate::told;
use crate::world::World;
pub use setup::Setup;

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
    rate: u32,
    /// Whether members of groups have names.
    named: bool,
    world: World,
    instances: BTreeMap<Service, Instance>,
    /// With what instances of a service are started.
    arguments: BTreeMap<Service, Vec<String>>,
    /// Orders that were placed by others than the load.
    besides: Vec<Order>,
    /// Within this time after the harm all is at rest.
    recovery_max: Duration,
    /// The last field: the parts go when all else has gone.
    parts: Arc<LocalParts>,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Endured {
    /// How many orders of the load were placed.
    pub placed: usize,
    /// How long the harm took.
    pub harmed: Duration,
    /// How long after it all was at rest.
    pub recovered: Duration,
}

impl Trial {
    /// Starts everything. `test` is the name of the test's file, `case` that of its function.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start(test: &str, case: &str) -> Self {
        Self::start_as(Setup::USUAL, test, case)
    }

    /// The same, made otherwise than most.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start_as(setup: Setup, test: &str, case: &str) -> Self {
        let parts = Arc::new(LocalParts::start(&name(test, case)));
        Self::on(parts, setup, &name(test, case), &again(test, case), |_, at| at.to_owned())
    }

    /// As most, and the services reach `part` by a proxy only.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start_by_proxy(part: Part, test: &str, case: &str) -> (Self, Proxy) {
        let (parts, proxy) = by_proxy(part, &name(test, case), LocalParts::start_by_proxy);
        let (own, by) = (parts.address(part).to_string(), proxy.address().to_string());
        (Self::on_own(parts, test, case, |_, address| address.replace(&own, &by)), proxy)
    }

    /// Starts everything on `parts`, with fresh topics and databases. `again` is the command that is
    /// running; `reach` makes of an address the one that a service is given.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn on(
        parts: Arc<LocalParts>,
        setup: Setup,
        name: &str,
        again: &str,
        reach: impl Fn(Service, &str) -> String,
    ) -> Self {
        let mut world = World::on_own(&parts.addresses(), name, setup.storage, again);
        world.processes.set_build(setup.build);
        let arguments = Service::ALL.map(|service| {
            let brokers = reach(service, world.kafka.brokers());
            let url = reach(service, world.databases.url(service));
            let common = ["-b", &brokers, "--database-url", &url];
            let all = common.iter().chain(usual_arguments(service));
            (service, all.map(|argument| (*argument).to_owned()).collect())
        });
        let mut trial = Self {
            name: name.to_owned(),
            rate: setup.rate,
            named: setup.named,
            world,
            instances: BTreeMap::new(),
            arguments: arguments.into(),
            besides: vec![],
            recovery_max: RECOVERY_MAX,
            parts,
        };
        let started = Service::ALL.map(|service| (service, trial.start_another(service)));
        for (_, instance) in started {
            trial.world.processes.wait_ready(instance);
        }
        trial.instances = started.into();
        trial
    }

    /// Starts a further instance of `service`, which does not count as the service's own.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_another(&mut self, service: Service) -> Instance {
        let mut environment = self.world.environment.clone();
        if self.named {
            let number = 1 + usize::from(self.instances.contains_key(&service));
            let member = format!("group.instance.id={}-{number}", service.name());
            environment.push(("KAFKA_PROPERTIES".to_owned(), member));
        }
        let arguments: Vec<&str> = self.arguments[&service].iter().map(String::as_str).collect();
        self.world.processes.start(service, &arguments, &environment)
    }

    /// The service's own instance.
    #[must_use]
    pub fn instance(&self, service: Service) -> Instance {
        self.instances[&service]
    }

    /// All processes.
    pub fn processes(&mut self) -> &mut Processes {
        &mut self.world.processes
    }

    /// Somebody else has placed these orders, and they have to end, too.
    pub fn has_placed(&mut self, orders: Vec<Order>) {
        self.besides.extend(orders);
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
    pub fn survives(mut self, seed: u64, orders: &[Order], harm: impl FnOnce(&mut Self)) {
        let endured = self.endure(orders, self.recovery_max, harm);
        let Endured { placed, harmed, recovered } = endured;
        told::figure(&format!(
            "{}, seed {seed}: {placed} orders, {} a second; harm for {:.1} s; at rest {:.1} s after it",
            self.name,
            self.rate,
            harmed.as_secs_f64(),
            recovered.as_secs_f64()
        ));
        self.end(&orders[..placed], &mut vec![]);
    }

    /// Places `orders` while `harm` is done, and waits until all is at rest, for at most `limit` after
    /// the harm.
    ///
    /// # Panics
    /// Not everything is at rest in time, or a service has ended or is not ready.
    pub fn endure(
        &mut self,
        orders: &[Order],
        limit: Duration,
        harm: impl FnOnce(&mut Self),
    ) -> Endured {
        let load = Arc::clone(&self.world.load);
        let mut times = None;
        let placed = load.place_while(orders, self.rate, || {
            sleep(WELL);
            let began = Instant::now();
            harm(self);
            times = Some((began.elapsed(), Instant::now()));
            sleep(WELL);
        });
        let (harmed, healed) = times.expect("the load waits for the harm");
        let all = placed + self.besides.len();
        self.world.wait_at_rest(all, limit.saturating_sub(healed.elapsed()));
        let recovered = healed.elapsed();
        for instance in self.instances.values() {
            self.world.processes.wait_ready(*instance);
        }
        Endured { placed, harmed, recovered }
    }

    /// Stops the services and judges, when the load has placed `orders`. What is wrong is `found`.
    ///
    /// # Panics
    /// Something is wrong, or a service does not stop well. Then logs and databases are kept.
    pub fn end(mut self, orders: &[Order], found: &mut Vec<String>) {
        self.world.processes.stop_all();
        let orders = [orders, &self.besides].concat();
        let expected = Expected { orders: &orders, dead: BTreeSet::new() };
        *found = check::violations(&self.world.evidence(), &expected);
        check::demand_none(found);
        self.world.processes.finish();
    }
}

/// Parts with a proxy before `part`. `kafka` starts them with one before Kafka, which tells its clients
/// where they have to go.
fn by_proxy(part: Part, name: &str, kafka: fn(&str) -> (LocalParts, Proxy)) -> (LocalParts, Proxy) {
    match part {
        Part::Kafka => kafka(name),
        Part::Postgres => {
            let parts = LocalParts::start(name);
            let proxy = Proxy::to(parts.address(part));
            (parts, proxy)
        }
    }
}

fn name(test: &str, case: &str) -> String {
    format!("{test}_{case}")
}

/// The command that runs a test again.
fn again(test: &str, case: &str) -> String {
    format!("cargo test -p tests --features real --test {test} {case}")
}

/// Whether nobody listens there.
fn is_away(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err()
}
