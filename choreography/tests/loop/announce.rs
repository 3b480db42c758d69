//! Each start tells what the service hears and says.

use choreography::announce::{self, Published};
use choreography::service::Service;

use super::counter::Counter;
use super::harness::{GROUP, World, wait};
use super::records::order;

fn told(world: &World) -> Option<Published> {
    announce::read(&world.config(&[])).ok()?.remove(&format!("{GROUP}/1"))
}

#[test]
fn the_manifest_is_on_its_topic_with_where_it_began() {
    let world = World::new();
    let first = world.start_ready(&[]);
    let published = told(&world).expect("it is there once the service is ready");
    assert!(published.declares_the_same(&Published::of(&Counter.manifest(), [].into())));
    assert_eq!(published.from["orders"].values().collect::<Vec<_>>(), [&0; 6]);
    world.place(&order("o-1", "EUR"));
    wait("an answer", || (world.read("inventory").len() == 1).then_some(()));
    world.stop(first);

    // It goes on from what it has committed, and has heard this version's events from before that.
    let again = world.start_ready(&[]);
    assert_eq!(told(&world), Some(published));
    assert_eq!(world.watermarks("services", 0), (0, 2), "one record for each start");
    world.stop(again);
}

#[test]
fn without_the_topic_it_works_all_the_same() {
    let topics = choreography::topics::needed_by(&[Counter.manifest()]);
    let topics: Vec<_> = topics.into_iter().filter(|topic| topic.name != "services").collect();
    let world = World::with_topics(&topics);
    let instance = world.start_ready(&[]);
    world.place(&order("o-1", "EUR"));
    wait("an answer", || (world.read("inventory").len() == 1).then_some(()));
    world.stop(instance);
}
