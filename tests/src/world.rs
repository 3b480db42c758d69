//! All that one test needs: fresh topics, fresh databases, and the services as processes.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use choreography::embedded::EmbeddedBroker;
use shared_events::topics::TopicSpec;

use crate::books;
use crate::check::{self, Evidence, Expected};
use crate::databases::{Databases, Storage};
use crate::kafka::{self, Kafka};
use crate::load::Load;
use crate::log;
use crate::parts::{self, Parts};
use crate::processes::{Instance, Processes};
use crate::service::{Service, usual_arguments};
use crate::wait;

/// One test's world.
pub struct World {
    /// The services.
    pub processes: Processes,
    /// The topics.
    pub kafka: Kafka,
    /// The databases.
    pub databases: Databases,
    /// A producer, also for another thread.
    pub load: Arc<Load>,
    /// Environment variables for the services that are started from now on.
    pub environment: Vec<(String, String)>,
    // The last field: it goes when all else has gone.
    _broker: Broker,
}

/// What a world's Kafka is.
enum Broker {
    /// A real one that others use, too, but not while this file is open.
    Shared(#[expect(dead_code, reason = "it only has to be there")] File),
    /// A real one that nobody else knows.
    Own,
    /// One in this process.
    Embedded(#[expect(dead_code, reason = "it only has to be there")] EmbeddedBroker),
}

impl World {
    /// A world on the parts that the environment names: nothing is on the topics, nothing is in the
    /// databases, nothing runs. `test` is the name of the test's file.
    ///
    /// # Panics
    /// A part is not there; the text says which command starts it.
    #[must_use]
    pub fn new(test: &str, storage: Storage) -> Self {
        let parts = Parts::named();
        let broker = Broker::Shared(parts::alone(&parts.brokers));
        let again = format!(
            "KAFKA_BROKERS={} POSTGRES_URL={} cargo test -p tests --features real --test {test} {}",
            parts.brokers,
            parts.postgres,
            own_name()
        );
        let processes = Processes::new(&format!("{test}-{}", own_name()), &again);
        Self::on(&parts, broker, processes, test, storage)
    }

    /// A world on parts that are this process's own. `again` is the command that is running.
    ///
    /// # Panics
    /// A part is not there.
    #[must_use]
    pub fn on_own(parts: &Parts, test: &str, storage: Storage, again: &str) -> Self {
        Self::on(parts, Broker::Own, Processes::new(test, again), test, storage)
    }

    fn on(
        parts: &Parts,
        broker: Broker,
        processes: Processes,
        test: &str,
        storage: Storage,
    ) -> Self {
        let kafka = Kafka::at(&parts.brokers);
        kafka.reset();
        let databases = Databases::new(storage, test, &parts.postgres, processes.folder());
        let load = Arc::new(Load::on(&parts.brokers));
        Self { processes, kafka, databases, load, environment: vec![], _broker: broker }
    }

    /// A world that needs nothing else: on the embedded broker, of which not everything can be
    /// asked, and on SQLite.
    ///
    /// # Panics
    /// The broker does not start.
    #[must_use]
    pub fn embedded(test: &str) -> Self {
        Self::embedded_with(test, &[])
    }

    /// The same with further topics.
    ///
    /// # Panics
    /// The broker does not start.
    #[must_use]
    pub fn embedded_with(test: &str, topics: &[TopicSpec]) -> Self {
        let topics = [&kafka::specs(), topics].concat();
        let broker = EmbeddedBroker::start(&topics).expect("an embedded broker");
        let again = format!("cargo test -p tests --test {test} {}", own_name());
        let processes = Processes::new(&format!("{test}-{}", own_name()), &again);
        let kafka = Kafka::at(&broker.brokers());
        let databases = Databases::new(Storage::Sqlite, test, "", processes.folder());
        let load = Arc::new(Load::on(&broker.brokers()));
        Self {
            processes,
            kafka,
            databases,
            load,
            environment: vec![],
            _broker: Broker::Embedded(broker),
        }
    }

    /// Starts one instance of each service and waits until all are ready.
    pub fn start_all(&mut self) -> BTreeMap<Service, Instance> {
        let started = Service::ALL.map(|service| (service, self.start(service)));
        for (_, instance) in started {
            self.processes.wait_ready(instance);
        }
        started.into()
    }

    /// Starts an instance of `service` with its usual arguments.
    pub fn start(&mut self, service: Service) -> Instance {
        self.start_with(service, usual_arguments(service))
    }

    /// Starts an instance of `service` on its database.
    pub fn start_with(&mut self, service: Service, arguments: &[&str]) -> Instance {
        let common = ["-b", self.kafka.brokers(), "--database-url", self.databases.url(service)];
        let all: Vec<&str> = common.into_iter().chain(arguments.iter().copied()).collect();
        self.processes.start(service, &all, &self.environment)
    }

    /// How many orders have ended.
    pub fn ended(&self) -> i64 {
        const ENDED: &str =
            "SELECT COUNT(*) FROM orders WHERE status IN ('completed', 'cancelled')";
        self.databases.number(Service::Order, ENDED)
    }

    /// Waits until `count` orders have ended and nothing is left to do.
    ///
    /// # Panics
    /// Not within `limit`, or a service has ended by itself.
    pub fn wait_at_rest(&mut self, count: usize, limit: Duration) {
        let count = i64::try_from(count).expect("a count");
        wait::until(&format!("{count} orders have ended and all is at rest"), limit, || {
            self.processes.check_running();
            let ended = self.ended();
            if ended != count {
                return Err(format!("{ended} have ended"));
            }
            Service::ALL.into_iter().try_for_each(|service| self.is_at_rest(service))
        });
    }

    /// Whether `service` has taken all that is there and owes nothing.
    ///
    /// # Errors
    /// What it still has to do.
    pub fn is_at_rest(&self, service: Service) -> Result<(), String> {
        const OWED: &str = "SELECT COUNT(*) FROM owed";
        const DUE: &str = "SELECT COUNT(*) FROM timers WHERE due <= now_ms()";
        let lag = self.kafka.lag(service)?;
        let owed = self.databases.number(service, OWED);
        let due = self.databases.number(service, DUE);
        if lag.is_empty() && (owed, due) == (0, 0) {
            return Ok(());
        }
        Err(format!("{}: behind {lag:?}, {owed} owed, {due} timers due", service.name()))
    }

    /// All that there is to be judged, once nothing runs.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let progress = self.kafka.progress();
        let log = log::read(&self.kafka);
        Evidence { log, books: books::read(&self.databases), progress }
    }

    /// Stops the services, checks all that there is, and ends the test.
    ///
    /// # Panics
    /// Something is not as it has to be.
    pub fn finish(mut self, expected: &Expected<'_>) {
        self.processes.stop_all();
        check::check(&self.evidence(), expected);
        self.processes.finish();
    }
}

/// The name of the test function: that of its thread.
fn own_name() -> String {
    std::thread::current().name().unwrap_or("test").replace("::", "-")
}
