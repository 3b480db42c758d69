//! A broker, a database, instances of the counter, and what is on the topics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use choreography::config::Config;
use choreography::embedded::EmbeddedBroker;
use choreography::service::Service;
use choreography::{Event, Stop, topics};
use clap::Parser;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use shared_events::headers::RawHeaders;
use shared_events::ids::EventId;
use shared_events::topics::TopicSpec;

use super::counter::Counter;
use super::records::{envelope, fresh};
use super::store::Store;

/// Nothing in these tests takes that long unless it is broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const GROUP: &str = "counter-svc";

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

pub(crate) struct World {
    pub(crate) broker: EmbeddedBroker,
    pub(crate) store: Arc<Store>,
    producer: BaseProducer,
}

pub(crate) struct Instance {
    stop: Stop,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    address: String,
}

/// A test that has failed leaves its instances running, and they need the runtime to the end.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::mem::forget(Arc::clone(&self.store));
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Store::sqlite())
    }

    pub(crate) fn on(store: Store) -> Self {
        Self::around(&topics::needed_by(&[Counter.manifest()]), Arc::new(store))
    }

    pub(crate) fn with_topics(topics: &[TopicSpec]) -> Self {
        Self::around(topics, Arc::new(Store::sqlite()))
    }

    /// The same database, and all topics created again.
    pub(crate) fn with_new_topics(&self) -> Self {
        Self::around(&topics::needed_by(&[Counter.manifest()]), Arc::clone(&self.store))
    }

    fn around(topics: &[TopicSpec], store: Arc<Store>) -> Self {
        choreography::telemetry::init_logs(choreography::telemetry::LogFormat::Text);
        let broker = EmbeddedBroker::start(topics).expect("broker");
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker.brokers())
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "0")
            // As a producer that compresses may have it.
            .set("message.max.bytes", "4000000")
            .create()
            .expect("producer");
        Self { broker, store, producer }
    }

    pub(crate) fn config(&self, arguments: &[&str]) -> Config {
        let brokers = self.broker.brokers();
        let mut all = vec!["counter", "-b", &brokers];
        for (name, value) in [("--database-url", self.store.url.as_str()), ("--drain-time", "5s")] {
            if !arguments.contains(&name) {
                all.extend([name, value]);
            }
        }
        all.extend(arguments);
        parse(&all)
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Instance {
        self.start_service(Counter, arguments)
    }

    /// Starts an instance of another service.
    pub(crate) fn start_service<S: Service>(&self, service: S, arguments: &[&str]) -> Instance {
        let config = self.config(arguments);
        let stop = Stop::new(config.drain_time);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
        let address = listener.local_addr().expect("address").to_string();
        listener.set_nonblocking(true).expect("listener");
        let told = stop.clone();
        let task = self.store.runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            choreography::serve(config, service, told, Some(listener)).await
        });
        Instance { stop, task, address }
    }

    /// Starts an instance and waits until it is ready.
    pub(crate) fn start_ready(&self, arguments: &[&str]) -> Instance {
        let instance = self.start(arguments);
        wait("readiness", || (self.page(&instance, "/readyz").0 == 200).then_some(()));
        instance
    }

    pub(crate) fn stop(&self, instance: Instance) {
        instance.stop.stop();
        let began = Instant::now();
        self.ended(instance).expect("a good end");
        assert!(began.elapsed() < Duration::from_secs(9), "stopping took {:?}", began.elapsed());
    }

    /// Waits until an instance ends.
    pub(crate) fn ended(&self, instance: Instance) -> anyhow::Result<()> {
        let ended = async { tokio::time::timeout(LIMIT, instance.task).await };
        self.store.runtime.block_on(ended).expect("it ends").expect("no panic")
    }

    /// Puts a record on a topic.
    pub(crate) fn put(&self, topic: &str, key: Option<&str>, value: &[u8], headers: &RawHeaders) {
        self.put_at(topic, None, key, value, headers);
    }

    pub(crate) fn put_at(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&str>,
        value: &[u8],
        headers: &RawHeaders,
    ) {
        let headers = headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: value.as_deref() })
        });
        let mut record = BaseRecord::<str, [u8]>::to(topic).payload(value).headers(headers);
        (record.key, record.partition) = (key, partition);
        self.producer.send(record).map_err(|(error, _)| error).expect("queued");
        // A flush takes a tenth of a second.
        let began = Instant::now();
        while 0 < self.producer.in_flight_count() {
            assert!(began.elapsed() < LIMIT, "not acknowledged");
            self.producer.poll(Duration::from_millis(1));
        }
    }

    /// Says an event on `orders` as one of our producers does. Out: its id.
    pub(crate) fn place<E: Event>(&self, event: &E) -> EventId {
        let id = fresh();
        self.place_as(event, id);
        id
    }

    /// The same, on this partition.
    pub(crate) fn place_at<E: Event>(&self, partition: Option<i32>, event: &E) {
        let value = choreography::encode(event).expect("encoded");
        let headers = envelope(event, fresh());
        self.put_at("orders", partition, Some(event.key()), &value, &headers);
    }

    pub(crate) fn place_as<E: Event>(&self, event: &E, id: EventId) {
        let value = choreography::encode(event).expect("encoded");
        self.put("orders", Some(event.key()), &value, &envelope(event, id));
    }

    /// From now on each request of this kind fails.
    pub(crate) fn fail(&self, request: RDKafkaApiKey, error: RDKafkaRespErr) {
        self.broker.cluster().request_errors(request, &vec![error; 100_000]);
    }

    pub(crate) fn heal(&self, request: RDKafkaApiKey) {
        self.broker.cluster().clear_request_errors(request);
    }

    /// Asks one of the instance's pages. Out: status and body; 0 if nobody answers.
    pub(crate) fn page(&self, instance: &Instance, path: &str) -> (u16, String) {
        ask(&instance.address, path).unwrap_or_default()
    }
}

pub(crate) fn parse(arguments: &[&str]) -> Config {
    let mut config = Arguments::try_parse_from(arguments).expect("arguments").config;
    config.embedded = true;
    config
}

fn ask(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
    Ok((status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()))
}

/// Asks again until there is something.
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "no {what} within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
