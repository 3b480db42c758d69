//! A rolling upgrade while an event gains a field: builds that differ hear each other, if each knows a version
//! before anybody writes it; and what becomes of the event where that was forgotten.

use choreography::db::{DbResult, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service};
use choreography::{Event, topics};
use serde::{Deserialize, Serialize};
use shared_events::amounts::Timestamp;
use shared_events::ids::OrderId;

use super::harness::World;
use super::records::{Seen, envelope, fresh};

const FIRST: &str = r#"{"type": "record", "name": "GiftWrapped", "namespace": "choreography.gifts",
    "fields": [{"name": "order_id", "type": "string"}]}"#;

const SECOND: &str = r#"{"type": "record", "name": "GiftWrapped", "namespace": "choreography.gifts",
    "fields": [
        {"name": "sender", "type": ["null", "string"], "default": null},
        {"name": "order_id", "type": "string"}
    ]}"#;

/// What each build says of a gift: from whom it is, as far as it knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct GiftLabelled {
    order_id: OrderId,
    label: String,
}

shared_events::event!(GiftLabelled on "labels" about order_id, [r#"{
    "type": "record", "name": "GiftLabelled", "namespace": "choreography.labels",
    "fields": [{"name": "order_id", "type": "string"}, {"name": "label", "type": "string"}]
}"#]);

/// One build of the same service: the versions of GiftWrapped that it knows, of which it writes the first.
macro_rules! build {
    ($build:ident, [$($schema:expr),+], { $($field:ident: $type:ty)? }, $label:expr) => {
        mod $build {
            use super::*;

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub(super) struct GiftWrapped {
                $(pub(super) $field: $type,)?
                pub(super) order_id: OrderId,
            }

            shared_events::event!(GiftWrapped on "gifts" about order_id, [$($schema),+]);

            choreography::events! {
                /// What it hears.
                pub(super) enum Hears { GiftWrapped }
            }

            choreography::events! {
                /// What it says.
                pub(super) enum Says { GiftLabelled }
            }

            pub(super) struct Gifts;

            impl Service for Gifts {
                type Hears = Hears;
                type Says = Says;
                type State = ();

                fn manifest(&self) -> Manifest {
                    Manifest::new("gift-svc", 1)
                        .hears::<GiftWrapped>(Answers::Always)
                        .says::<GiftLabelled>()
                }

                fn migrations(&self) -> Vec<Migration> {
                    vec![]
                }

                async fn load(&self, _db: &mut Transaction, _heard: &[Heard<Hears>]) -> DbResult<()> {
                    Ok(())
                }

                fn react(&self, (): &mut (), heard: &Heard<Hears>, _now: Timestamp) -> Vec<Said<Says>> {
                    let Hears::GiftWrapped(gift) = &heard.event;
                    let label: fn(&GiftWrapped) -> String = $label;
                    vec![Said::now(GiftLabelled {
                        order_id: gift.order_id.clone(),
                        label: label(gift),
                    })]
                }

                async fn save(&self, _db: &mut Transaction, (): ()) -> DbResult<()> {
                    Ok(())
                }
            }
        }
    };
}

build!(oldest, [FIRST], {}, |_| "a gift".to_owned());
// The first step of the upgrade: it reads the version that is to come.
build!(first_step, [FIRST, SECOND], {}, |_| "a gift".to_owned());
// The second step: it writes it.
build!(second_step, [SECOND, FIRST], { sender: Option<String> }, |gift| {
    format!("from {}", gift.sender.as_deref().unwrap_or("nobody known"))
});

fn world() -> World {
    World::with_topics(&topics::needed_by(&[oldest::Gifts.manifest()]))
}

fn id(order: &str) -> OrderId {
    order.parse().expect("an id")
}

fn put<E: Event>(world: &World, event: &E) {
    let value = choreography::encode(event).expect("encoded");
    world.put("gifts", Some(event.key()), &value, &envelope(event, fresh()));
}

/// A gift as the build before the upgrade writes it, and one as the last one does.
fn put_both(world: &World, orders: [&str; 2]) {
    put(world, &first_step::GiftWrapped { order_id: id(orders[0]) });
    let sender = Some("Ada".to_owned());
    put(world, &second_step::GiftWrapped { sender, order_id: id(orders[1]) });
}

fn labels(world: &World, count: usize) -> Vec<(String, String)> {
    let label = |seen: &Seen| {
        let event: GiftLabelled = choreography::decode(&seen.value).expect("a label");
        (event.order_id.to_string(), event.label)
    };
    let mut labels: Vec<_> = world.wait_for("labels", count).iter().map(label).collect();
    labels.sort();
    labels
}

fn pair(order: &str, label: &str) -> (String, String) {
    (order.to_owned(), label.to_owned())
}

#[test]
fn builds_of_both_steps_hear_what_either_writes() {
    let world = world();
    let started = world.start_service(first_step::Gifts, &[]);
    put_both(&world, ["o-1", "o-2"]);
    assert_eq!(labels(&world, 2), [pair("o-1", "a gift"), pair("o-2", "a gift")]);
    world.stop(started);

    let started = world.start_service(second_step::Gifts, &[]);
    put_both(&world, ["o-3", "o-4"]);
    let labels = labels(&world, 4);
    assert_eq!(labels[2..], [pair("o-3", "from nobody known"), pair("o-4", "from Ada")]);
    assert_eq!(world.read("gifts.gift-svc.dlq").len(), 0);
    world.stop(started);
}

/// Without the first step a build that is not upgraded yet sets aside what the upgraded ones write, which
/// a replay brings back.
#[test]
fn a_version_that_nobody_prepared_for_is_a_dead_letter_that_can_be_replayed() {
    let world = world();
    let started = world.start_service(oldest::Gifts, &[]);
    put_both(&world, ["o-1", "o-2"]);
    let letters = world.wait_for("gifts.gift-svc.dlq", 1);
    let why = letters[0].header("dlq-error").expect("a reason");
    assert!(why.contains("no schema with id"), "{why}");
    assert_eq!(labels(&world, 1), [pair("o-1", "a gift")], "the flow goes on");
    world.stop(started);

    let started = world.start_service(second_step::Gifts, &[]);
    let letter = &letters[0];
    world.put("gifts.gift-svc.replay", Some("o-2"), &letter.value, &letter.headers);
    assert_eq!(labels(&world, 2)[1], pair("o-2", "from Ada"));
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 1"), 0);
    world.stop(started);
}
