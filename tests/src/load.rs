//! How events get to Kafka: a producer of the tests' own, as any other system would have.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use choreography::clock;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use shared_events::amounts::Quantity;
use shared_events::deliveries::StockReceived;
use shared_events::event::Event;
use shared_events::headers::{Envelope, RawHeaders, TRACEPARENT};
use shared_events::ids::EventId;
use shared_events::orders::CancellationRequested;

use crate::kafka;
use crate::orders::{Order, Twist};

/// A producer that takes note of what is not delivered.
pub struct Load {
    producer: ThreadedProducer<Reports>,
    placed: AtomicUsize,
}

#[derive(Default)]
struct Reports {
    failed: AtomicUsize,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.failed.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
    }
}

/// A record to be put on a topic.
#[derive(Clone, Debug)]
pub struct Put {
    /// The topic.
    pub topic: String,
    /// The partition; by the key if there is none.
    pub partition: Option<i32>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The headers.
    pub headers: RawHeaders,
}

const FLUSH_LIMIT: Duration = Duration::from_secs(60);

impl Load {
    /// For the broker at `brokers`.
    ///
    /// # Panics
    /// librdkafka refuses the address.
    #[must_use]
    pub fn on(brokers: &str) -> Self {
        let mut client = kafka::client(brokers);
        client.remove("group.id");
        client.remove("enable.auto.commit");
        client.set("acks", "all").set("enable.idempotence", "true").set("linger.ms", "5");
        client.set("partitioner", "murmur2_random");
        let producer = client.create_with_context(Reports::default()).expect("a producer");
        Self { producer, placed: AtomicUsize::new(0) }
    }

    /// How many orders have been placed by [`place_until`](Self::place_until) so far.
    pub fn placed(&self) -> usize {
        self.placed.load(Ordering::Relaxed)
    }

    /// Puts records on their topics and waits until all are acknowledged.
    ///
    /// # Panics
    /// One is not.
    pub fn put<'a>(&self, records: impl IntoIterator<Item = &'a Put>) {
        records.into_iter().for_each(|put| self.enqueue(put));
        self.flush();
    }

    /// Places orders, `rate` a second; 0: as fast as possible. Out: when all are acknowledged.
    ///
    /// # Panics
    /// A record is not acknowledged.
    pub fn place(&self, orders: &[Order], rate: u32) {
        let began = Instant::now();
        for (number, order) in (0..).zip(orders) {
            if rate != 0 {
                let due = Duration::from_secs(1) * number / rate;
                std::thread::sleep(due.saturating_sub(began.elapsed()));
            }
            puts(order).iter().for_each(|put| self.enqueue(put));
        }
        self.flush();
    }

    /// Places orders, `rate` a second, until it is told to stop, or whoever would tell it has gone.
    /// Out: how many were placed, when all are acknowledged.
    ///
    /// # Panics
    /// There are no more orders, or a record is not acknowledged.
    pub fn place_until(&self, orders: &[Order], rate: u32, stop: &Receiver<()>) -> usize {
        let began = Instant::now();
        for (number, order) in (0..).zip(orders) {
            let due = Duration::from_secs(1) * number / rate;
            match stop.recv_timeout(due.saturating_sub(began.elapsed())) {
                Err(RecvTimeoutError::Timeout) => {
                    puts(order).iter().for_each(|put| self.enqueue(put));
                    self.placed.fetch_add(1, Ordering::Relaxed);
                }
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    self.flush();
                    return number as usize;
                }
            }
        }
        panic!("all {} orders are placed, and nobody has said stop", orders.len());
    }

    /// Places orders, `rate` a second, for as long as `doing` takes. Out: how many were placed, when
    /// all are acknowledged.
    ///
    /// # Panics
    /// As [`place_until`](Self::place_until).
    pub fn place_while(&self, orders: &[Order], rate: u32, doing: impl FnOnce()) -> usize {
        std::thread::scope(|scope| {
            // It goes when `doing` panics, too, and the load ends with it.
            let (stop, stopped) = mpsc::channel();
            let placing = scope.spawn(move || self.place_until(orders, rate, &stopped));
            doing();
            drop(stop);
            placing.join().expect("orders are placed")
        })
    }

    fn flush(&self) {
        self.producer.flush(FLUSH_LIMIT).expect("all is acknowledged");
        let failed = self.producer.context().failed.load(Ordering::Relaxed);
        assert_eq!(failed, 0, "records are not delivered");
    }

    fn enqueue(&self, put: &Put) {
        let headers = put.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: value.as_deref() })
        });
        let mut record = BaseRecord::to(&put.topic).key(&put.key).payload(&put.value);
        record = record.headers(headers);
        record.partition = put.partition;
        loop {
            match self.producer.send(record) {
                Ok(()) => return,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((error, _)) => panic!("{}: {error}", put.topic),
            }
        }
    }
}

/// The records that bring an order to Kafka, its twist included.
#[must_use]
pub fn puts(order: &Order) -> Vec<Put> {
    let order_id = &order.placed.order_id;
    let placed = put(&order.placed, order.id, Some(order_id.as_str()), &order.traceparent);
    let request = || {
        let event =
            CancellationRequested { order_id: order_id.clone(), reason: "found it cheaper".into() };
        put(&event, clock::new_event_id(), Some(order_id.as_str()), &order.traceparent)
    };
    match order.twist {
        Twist::Plain => vec![placed],
        Twist::Repeated => vec![placed.clone(), placed],
        Twist::Another => {
            let id = clock::new_event_id();
            let another = put(&order.placed, id, Some(order_id.as_str()), &order.traceparent);
            vec![placed, another]
        }
        Twist::CancelledBefore => vec![request(), placed],
        Twist::CancelledAfter => vec![placed, request()],
        Twist::Untraced => {
            let mut untraced = placed;
            untraced.headers.retain(|(name, _)| name != TRACEPARENT);
            vec![untraced]
        }
        Twist::Bare => vec![Put { headers: vec![], ..placed }],
    }
}

/// Goods that come in.
///
/// # Panics
/// One of the arguments is not allowed.
#[must_use]
pub fn received(sku: &str, pieces: i64) -> Put {
    let quantity = Quantity::new(pieces).expect("a quantity");
    let event = StockReceived { sku: sku.parse().expect("a SKU"), quantity };
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    put(&event, clock::new_event_id(), None, traceparent)
}

/// The record that one of our own producers would make.
///
/// # Panics
/// The event does not fit its schema.
pub fn put<E: Event>(event: &E, id: EventId, correlation: Option<&str>, traceparent: &str) -> Put {
    let envelope = Envelope {
        id,
        source: "/tests".to_owned(),
        name: E::NAME.to_owned(),
        time: clock::now(),
        subject: event.key().to_owned(),
        correlation: correlation.map(str::to_owned),
        causation: None,
        answers: None,
        sequence: None,
        traceparent: traceparent.to_owned(),
        tracestate: None,
    };
    Put {
        topic: E::TOPIC.to_owned(),
        partition: None,
        key: event.key().to_owned(),
        value: choreography::encode(event).expect("an event that fits its schema"),
        headers: envelope.write(),
    }
}
