//! Three brokers with three copies of each record, of which two have to be there. One may go at any
//! time, whatever it leads or coordinates: the others go on, and nothing is lost.

use std::time::Instant;

use tests::local::{LocalParts, Part};
use tests::service::Service;
use tests::trial::{ORDERS_MAX, Trial};
use tests::{customer, orders, told, wait};

const SEED: u64 = 51;

fn start(case: &str) -> Trial {
    Trial::start_three("three_brokers", case)
}

/// Of a hundred answers to orders over HTTP, so many may be 503: on a machine that is busy with something
/// else a broker may be slow for so long that the others take it for dead.
const REFUSED_PERCENT: usize = 2;

/// As an operator does who changes their settings: what each leads moves before it ends.
#[test]
fn each_is_restarted() {
    let trial = start("each_is_restarted");
    // Three starts take long on a busy machine.
    trial.survives(SEED, &orders::mix(SEED, 2 * ORDERS_MAX), |trial| {
        let ordered = customer::order_while(trial.order_svc(), SEED, || {
            for (number, broker) in (1..).zip(trial.parts().brokers()) {
                assert!(0 < trial.world().kafka.led_by(number), "{number} leads nothing");
                broker.restart(Part::Kafka);
                trial.world().kafka.wait_in_sync();
            }
        });
        told::figure(&ordered.figures());
        let (refused, all) = (ordered.refusals.len(), ordered.orders.len());
        assert!(100 * refused <= REFUSED_PERCENT * all, "{refused} of {all} orders were refused");
        ordered.demand_retry_after();
        trial.has_placed(ordered.orders);
    });
}

/// It coordinates the group of order-svc and leads partitions. Until the controllers take it for dead
/// nobody else does so: whoever places an order over HTTP meanwhile may have to repeat it.
#[test]
fn the_coordinator_is_killed() {
    let trial = start("the_coordinator_is_killed");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        let kafka = &trial.world().kafka;
        let number = kafka.coordinator(Service::Order);
        let broker = broker(trial.parts(), number);
        let ordered = customer::order_while(trial.order_svc(), SEED, || {
            assert!(0 < kafka.led_by(number), "it leads nothing");
            broker.signal(Part::Kafka, "KILL");
            let killed = Instant::now();
            wait::until("all that it led has moved", wait::LIMIT, || match kafka.led_by(number) {
                0 => Ok(()),
                led => Err(format!("it still leads {led}")),
            });
            assert_ne!(kafka.coordinator(Service::Order), number, "another one coordinates");
            // Those who were members may count for a session more.
            let ended = trial.world().ended();
            wait::until("two of three go on", wait::LIMIT, || {
                match trial.world().ended() - ended {
                    0 => Err("no order has ended".to_owned()),
                    _ => Ok(()),
                }
            });
            told::figure(&format!(
                "two of three went on after {:.1} s",
                killed.elapsed().as_secs_f64()
            ));
            broker.start_again(Part::Kafka);
        });
        kafka.wait_in_sync();
        told::figure(&ordered.figures());
        ordered.demand_retry_after();
        trial.has_placed(ordered.orders);
    });
}

/// Brokers are numbered from one.
fn broker(parts: &LocalParts, number: i32) -> &LocalParts {
    let place = usize::try_from(number - 1).expect("a number");
    parts.brokers().nth(place).expect("a broker of this number")
}
