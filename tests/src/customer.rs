//! A customer who orders over HTTP, as a careful client does: each order has an Idempotency-Key, and is
//! asked for again until it is answered 202.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Answer};
use crate::orders::{self, Order};

/// One customer, on a thread of its own.
pub struct Customer {
    shared: Arc<Shared>,
    ordering: JoinHandle<Ordered>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    accepted: AtomicUsize,
}

/// What a customer has done.
#[derive(Debug, Default)]
pub struct Ordered {
    /// The orders that were answered 202, with the ids that they have got.
    pub orders: Vec<Order>,
    /// How often something had to be asked for again.
    pub repeats: usize,
    /// Answers that were not 202: each is 503.
    pub refusals: Vec<Answer>,
    /// The longest that an answer took.
    pub slowest: Duration,
}

/// Several customers order from order-svc at `address` for as long as `doing` takes. Out: what they
/// have done together.
///
/// # Panics
/// As [`Customer::stop`].
pub fn order_while(address: SocketAddr, seed: u64, doing: impl FnOnce()) -> Ordered {
    const CUSTOMERS: u64 = 3;
    let customers: Vec<_> =
        (0..CUSTOMERS).map(|one| Customer::start(address, seed + one)).collect();
    doing();
    Ordered::sum(customers.into_iter().map(Customer::stop))
}

/// From one order to the next, and from one try to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// More orders than this nobody waits for.
const ORDERS_MAX: usize = 10_000;

/// An order is accepted within this time, whatever is being done to the parts.
const LIMIT: Duration = Duration::from_secs(180);

impl Customer {
    /// Orders from order-svc at `address` from now on, some ten orders a second; the same for the
    /// same `seed`.
    #[must_use]
    pub fn start(address: SocketAddr, seed: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let ordering = std::thread::spawn(move || {
            let mut ordered = Ordered::default();
            for (number, order) in orders::good(seed, ORDERS_MAX).into_iter().enumerate() {
                if own.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let key = format!("customer-{seed}-{number}");
                ordered.place(address, &key, order);
                own.accepted.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE);
            }
            ordered
        });
        Self { shared, ordering }
    }

    /// How many orders were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Waits until the last order is accepted.
    ///
    /// # Panics
    /// An order was refused or not accepted in time, or answers to one key named two orders.
    #[must_use]
    pub fn stop(self) -> Ordered {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.ordering.join().expect("each order is accepted")
    }
}

impl Ordered {
    /// The figures of a trial.
    #[must_use]
    pub fn figures(&self) -> String {
        format!(
            "{} orders over HTTP, {} answers of 503, the slowest answer after {:.1} s",
            self.orders.len(),
            self.refusals.len(),
            self.slowest.as_secs_f64()
        )
    }

    /// Fails if an answer was not 202 and does not say when to ask again.
    ///
    /// # Panics
    /// With the answer.
    pub fn demand_retry_after(&self) {
        let lacks = |refusal: &&Answer| refusal.header("Retry-After").is_none();
        assert_eq!(self.refusals.iter().find(lacks), None, "no word of when to ask again");
    }

    /// What several customers have done.
    #[must_use]
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, one| {
            sum.orders.extend(one.orders);
            sum.repeats += one.repeats;
            sum.refusals.extend(one.refusals);
            sum.slowest = sum.slowest.max(one.slowest);
            sum
        })
    }

    fn place(&mut self, address: SocketAddr, key: &str, mut order: Order) {
        let mut body = serde_json::to_value(&order.placed).expect("an order as JSON");
        body.as_object_mut().expect("an object").remove("order_id");
        let headers = [("Idempotency-Key", key), ("traceparent", &order.traceparent)];
        let began = Instant::now();
        let mut known = None;
        loop {
            let asked = Instant::now();
            let answer = http::post(address, "/orders", &headers, &body.to_string());
            self.slowest = self.slowest.max(asked.elapsed());
            let (is_accepted, id) = read(&answer);
            if let (Some(before), Some(id)) = (&known, &id) {
                assert_eq!(before, id, "{key} stands for one order");
            }
            known = id.or(known);
            if is_accepted {
                let id = known.expect("202 tells the order's id");
                order.placed.order_id = id.parse().expect("an order's id");
                self.orders.push(order);
                return;
            }
            assert!(began.elapsed() < LIMIT, "not accepted within {LIMIT:?}: {key}: {answer:?}");
            self.refusals.extend(answer);
            self.repeats += 1;
            sleep(PAUSE);
        }
    }
}

/// Whether an order is accepted, and its id as far as the answer tells.
fn read(answer: &std::io::Result<Answer>) -> (bool, Option<String>) {
    // The service is away, or has died before it had answered.
    let Ok(Answer { status, body, .. }) = answer else { return (false, None) };
    assert!([202, 503].contains(status), "refused: {status}: {body}");
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    (*status == 202, body["order_id"].as_str().map(str::to_owned))
}
