//! Which broker has what: copies, leaders, coordinators.

use rdkafka::consumer::Consumer;
use rdkafka::metadata::MetadataPartition;
use shared_events::topics::Replicas;

use super::{Kafka, TIMEOUT};
use crate::service::Service;
use crate::wait;

impl Kafka {
    pub(super) fn replicas(&self) -> Replicas {
        let brokers = self.brokers.split(',').count();
        if brokers < 3 { Replicas::SINGLE } else { Replicas::PRODUCTION }
    }

    /// Waits until all copies of all partitions are in sync, those of the groups' offsets, too.
    ///
    /// # Panics
    /// They are not in time.
    pub fn wait_in_sync(&self) {
        wait::until("all copies are in sync", wait::LIMIT, || {
            let behind = self.count_partitions(|all| all.isr().len() < all.replicas().len())?;
            if behind == 0 { Ok(()) } else { Err(format!("those of {behind} partitions are not")) }
        });
    }

    /// The number of the broker that coordinates the group of `service`: the one that leads the
    /// partition of `__consumer_offsets` with the group's offsets.
    ///
    /// # Panics
    /// Kafka does not tell.
    #[must_use]
    pub fn coordinator(&self, service: Service) -> i32 {
        let metadata = self.watcher.fetch_metadata(Some("__consumer_offsets"), TIMEOUT);
        let metadata = metadata.expect("the topic of offsets");
        let partitions = metadata.topics()[0].partitions();
        // As Kafka does: by Java's hash of the name, without its sign.
        let hash = |hash: i32, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte));
        let hash = service.name().bytes().fold(0, hash) & i32::MAX;
        let place = usize::try_from(hash).expect("a hash") % partitions.len();
        let found =
            partitions.iter().find(|partition| usize::try_from(partition.id()) == Ok(place));
        found.expect("a partition").leader()
    }

    /// How many partitions a broker leads, by its number.
    ///
    /// # Panics
    /// Kafka does not tell.
    #[must_use]
    pub fn led_by(&self, broker: i32) -> usize {
        self.count_partitions(|partition| partition.leader() == broker).expect("leaders")
    }

    fn count_partitions(
        &self,
        chosen: impl Fn(&MetadataPartition) -> bool,
    ) -> Result<usize, String> {
        let metadata = self.watcher.fetch_metadata(None, TIMEOUT);
        let metadata = metadata.map_err(|error| error.to_string())?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        Ok(partitions.filter(|partition| chosen(partition)).count())
    }
}
