//! Trials of other shapes: on three brokers, or with one service on a network of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Setup, Trial, again, by_proxy, name};
use crate::local::{LocalParts, Part};
use crate::proxy::Proxy;
use crate::service::Service;

impl Trial {
    /// As most, on parts that no other trial uses.
    pub(super) fn on_own(
        parts: LocalParts,
        test: &str,
        case: &str,
        reach: impl Fn(Service, &str) -> String,
    ) -> Self {
        let (name, again) = (name(test, case), again(test, case));
        Self::on(Arc::new(parts), Setup::USUAL, &name, &again, reach)
    }

    /// Everything has to be at rest within `limit` after the harm.
    #[must_use]
    pub fn recovering_within(self, limit: Duration) -> Self {
        Self { recovery_max: limit, ..self }
    }

    /// Starts everything on a Kafka of three brokers.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start_three(test: &str, case: &str) -> Self {
        let parts = LocalParts::start_three(&name(test, case));
        Self::on_own(parts, test, case, |_, address| address.to_owned())
    }

    /// Starts everything, and only these services reach `part` by a proxy; all others, the load
    /// included, reach it without one.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start_some_by_proxy(
        some: &[Service],
        part: Part,
        test: &str,
        case: &str,
    ) -> (Self, Proxy) {
        let (parts, proxy) = by_proxy(part, &name(test, case), LocalParts::start_with_side_door);
        let (own, by) = (parts.address(part).to_string(), proxy.address().to_string());
        let reach = |service, address: &str| {
            if some.contains(&service) { address.replace(&own, &by) } else { address.to_owned() }
        };
        (Self::on_own(parts, test, case, reach), proxy)
    }

    /// Starts everything, and `part` keeps its data on a small disk. `None`: there cannot be one here.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start_on_small_disk(part: Part, test: &str, case: &str) -> Option<Self> {
        let parts = LocalParts::start_on_small_disk(part, &name(test, case))?;
        Some(Self::on_own(parts, test, case, |_, address| address.to_owned()))
    }

    /// Where orders can be placed over HTTP.
    #[must_use]
    pub fn order_svc(&self) -> SocketAddr {
        self.world.processes.address(self.instances[&Service::Order])
    }

    /// Starts one more instance of `service`, which uses no proxy, and waits until it is ready.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_beside(&mut self, service: Service) {
        let another = self.world.start(service);
        self.world.processes.wait_ready(another);
    }
}
