//! Slow, narrow and unreliable links between all services and the broker: everything goes on, at no
//! time does it stand still for thirty seconds, and nothing is lost or done twice.

use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::local::Part;
use tests::proxy::{Fault, Proxy};
use tests::service::Service;
use tests::trial::{ORDERS_MAX, Trial};
use tests::{orders, told};

const SEED: u64 = 71;

/// So long a link is bad.
const BAD: Duration = Duration::from_secs(40);

/// The longest time without an order that ends.
const STILL_MAX: Duration = Duration::from_secs(30);

/// Each piece waits 200 ms on its way, each way.
#[test]
fn latency_of_200_ms() {
    bad("latency_of_200_ms", |proxy| proxy.set(Fault::Delay(Duration::from_millis(200))));
}

/// 64 kB a second on each connection and each way.
#[test]
fn no_more_than_64_kb_a_second() {
    bad("no_more_than_64_kb_a_second", |proxy| {
        proxy.set(Fault::Throttle { bytes_per_second: 64_000 });
    });
}

/// All connections end every three seconds, and new ones are let in at once.
#[test]
fn connections_are_reset_now_and_then() {
    const RESETS: u32 = 10;
    bad("connections_are_reset_now_and_then", |proxy| {
        for _ in 0..RESETS {
            proxy.set(Fault::Cut);
            proxy.set(Fault::None);
            sleep(Duration::from_secs(3));
        }
        assert!(RESETS as usize <= proxy.met().cut, "{:?}", proxy.met());
    });
}

/// What is sent on the connections that there are arrives nowhere any more, and nobody is told, as
/// when a firewall forgets them. New ones work.
#[test]
fn half_open_connections() {
    bad("half_open_connections", |proxy| {
        proxy.set(Fault::HalfOpen);
        assert!(4 <= proxy.met().cut, "{:?}", proxy.met());
    });
}

fn bad(case: &str, set: impl FnOnce(&Proxy) + Send) {
    let (trial, proxy) = Trial::start_some_by_proxy(&Service::ALL, Part::Kafka, "links", case);
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        let began = Instant::now();
        let still = std::thread::scope(|scope| {
            scope.spawn(|| set(&proxy));
            longest_pause(trial, began)
        });
        proxy.set(Fault::None);
        told::figure(&format!(
            "{case}: the longest time without an order that ended: {:.1} s",
            still.as_secs_f64()
        ));
        assert!(still < STILL_MAX, "no order has ended for {still:?}");
    });
}

/// The longest time in which no order has ended, until the link is good again.
fn longest_pause(trial: &Trial, began: Instant) -> Duration {
    let (mut ended, mut since, mut longest) = (trial.world().ended(), began, Duration::ZERO);
    while began.elapsed() < BAD {
        sleep(Duration::from_millis(500));
        let now = trial.world().ended();
        longest = longest.max(since.elapsed());
        if now != ended {
            (ended, since) = (now, Instant::now());
        }
    }
    longest
}
