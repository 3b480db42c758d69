//! A broker, a database, instances of the counter, and what is on the topics.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use choreography::config::Config;
use choreography::embedded::EmbeddedBroker;
use choreography::service::Service;
use choreography::{Stop, topics};
use clap::Parser;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shared_events::headers::{Envelope, RawHeaders, Received};
use shared_events::ids::EventId;
use shared_events::orders::{Address, OrderLine, OrderPlaced};
use sqlx::SqlitePool;
use uuid::Uuid;

use super::counter::Counter;

/// Nothing in these tests takes that long unless it is broken.
pub const LIMIT: Duration = Duration::from_secs(40);

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

pub struct World {
    pub broker: EmbeddedBroker,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    producer: BaseProducer,
}

pub struct Instance {
    stop: Stop,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    pub address: String,
}

/// A record that was read from a topic.
#[derive(Clone, Debug)]
pub struct Seen {
    pub partition: i32,
    pub key: Option<Vec<u8>>,
    pub value: Vec<u8>,
    pub headers: RawHeaders,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().rev().find(|(header, _)| header == name)?;
        String::from_utf8(value.clone()?).ok()
    }

    pub fn received(&self) -> Received<'_> {
        Received::read(&self.headers)
    }

    pub fn id(&self) -> String {
        self.received().id.expect("ce_id").to_owned()
    }
}

impl World {
    pub fn new() -> Self {
        choreography::telemetry::init_logs(choreography::telemetry::LogFormat::Text);
        let broker =
            EmbeddedBroker::start(&topics::needed_by(&[Counter.manifest()])).expect("broker");
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker.brokers())
            .set("partitioner", "murmur2_random")
            .create()
            .expect("producer");
        Self { broker, folder: tempfile::tempdir().expect("folder"), runtime, producer }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("counter.db")
    }

    pub fn start(&self, arguments: &[&str]) -> Instance {
        let url = format!("sqlite://{}", self.database().display());
        let brokers = self.broker.brokers();
        let fixed = ["counter", "-b", &brokers, "--database-url", &url, "--drain-time", "5s"];
        let all = fixed.iter().chain(arguments);
        let mut config = Arguments::try_parse_from(all).expect("arguments").config;
        config.embedded = true;
        let stop = Stop::new(config.drain_time);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
        let address = listener.local_addr().expect("address").to_string();
        listener.set_nonblocking(true).expect("listener");
        let told = stop.clone();
        let task = self.runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            choreography::serve(config, Counter, told, Some(listener)).await
        });
        Instance { stop, task, address }
    }

    pub fn stop(&self, instance: Instance) {
        instance.stop.stop();
        let began = Instant::now();
        self.runtime.block_on(instance.task).expect("no panic").expect("a good end");
        assert!(began.elapsed() < Duration::from_secs(9), "stopping took {:?}", began.elapsed());
    }

    /// Puts a record on a topic.
    pub fn put(&self, topic: &str, key: Option<&str>, value: &[u8], headers: &RawHeaders) {
        let headers = headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: value.as_deref() })
        });
        let mut record = BaseRecord::<str, [u8]>::to(topic).payload(value).headers(headers);
        record.key = key;
        self.producer.send(record).map_err(|(error, _)| error).expect("queued");
        self.producer.flush(LIMIT).expect("flushed");
    }

    /// Places an order as one of our producers does. Out: the event's id.
    pub fn place(&self, order: &OrderPlaced) -> EventId {
        let id = EventId(Uuid::from_u128(fresh()));
        self.place_as(order, id);
        id
    }

    pub fn place_as(&self, order: &OrderPlaced, id: EventId) {
        let value = choreography::encode(order).expect("encoded");
        self.put("orders", Some(order.order_id.as_str()), &value, &envelope(order, id));
    }

    /// Everything on a topic, in order of partition and offset.
    pub fn read(&self, topic: &str) -> Vec<Seen> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.brokers())
            .set("group.id", "reader")
            .create()
            .expect("consumer");
        let mut list = TopicPartitionList::new();
        let mut ends = vec![];
        for partition in 0..6 {
            let (low, high) =
                consumer.fetch_watermarks(topic, partition, LIMIT).expect("watermarks");
            ends.push((low, high));
            list.add_partition_offset(topic, partition, Offset::Beginning).expect("offset");
        }
        consumer.assign(&list).expect("assign");
        let mut left: i64 = ends.iter().map(|(low, high)| high - low).sum();
        let mut seen = vec![];
        while 0 < left {
            let message = consumer.poll(LIMIT).expect("a record in time").expect("a record");
            // What came since is for the next reading.
            if ends[usize::try_from(message.partition()).expect("a partition")].1
                <= message.offset()
            {
                continue;
            }
            left -= 1;
            let headers = message.headers().map_or_else(Vec::new, |headers| {
                headers.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect()
            });
            seen.push(Seen {
                partition: message.partition(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().unwrap_or_default().to_vec(),
                headers,
            });
        }
        seen.sort_by_key(|record| record.partition);
        seen
    }

    /// Waits until a topic has `count` records, and returns all of it.
    pub fn wait_for(&self, topic: &str, count: usize) -> Vec<Seen> {
        wait(&format!("{count} records on {topic}"), || {
            let seen = self.read(topic);
            (count <= seen.len()).then_some(seen)
        })
    }

    /// One number from the database.
    pub fn number(&self, sql: &'static str) -> i64 {
        self.runtime.block_on(async {
            let url = format!("sqlite://{}", self.database().display());
            let pool = SqlitePool::connect(&url).await.expect("database");
            let (number,) =
                sqlx::query_as::<_, (i64,)>(sql).fetch_one(&pool).await.expect("a number");
            pool.close().await;
            number
        })
    }

    /// Asks one of the instance's pages. Out: status and body.
    pub fn page(&self, instance: &Instance, path: &str) -> (u16, String) {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&instance.address).expect("connected");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            .expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        (status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
    }
}

/// Asks again until there is something.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "no {what} within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn envelope(order: &OrderPlaced, id: EventId) -> RawHeaders {
    Envelope {
        id,
        source: "/test".to_owned(),
        name: "OrderPlaced".to_owned(),
        time: shared_events::amounts::Timestamp(0),
        subject: order.order_id.to_string(),
        correlation: Some(order.order_id.to_string()),
        causation: None,
        answers: None,
        sequence: None,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        tracestate: None,
    }
    .write()
}

/// An order. What the counter does with it is in `currency`.
pub fn order(id: &str, currency: &str) -> OrderPlaced {
    let text = |text: &str| text.to_owned();
    OrderPlaced {
        order_id: id.parse().expect("an id"),
        currency: text(currency),
        lines: Vec::<OrderLine>::new(),
        ship_to: Address {
            name: text("Ada"),
            street: text("Main Street 1"),
            postal_code: text("1000"),
            city: text("Town"),
            country: text("DE"),
        },
    }
}

fn fresh() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    (0x8_u128 << 76) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}
