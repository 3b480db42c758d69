//! Whoever may write to a topic, or reach the port, can neither stop the services nor make them large:
//! orders of others go through meanwhile.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use shared_events::headers::TRACEPARENT;
use tests::check::Expected;
use tests::http;
use tests::load::{self, Put};
use tests::orders::{self, Order};
use tests::processes::{Instance, Processes};
use tests::service::Service;
use tests::wait::LIMIT;
use tests::world::World;

const SEED: u64 = 11;

/// So much more memory than before may a service take at any time, in KiB: some times the largest record
/// and what is fetched ahead of such.
const GROWTH_KIB_MAX: u64 = 96 << 10;

/// A header as a producer writes it.
type Header = (String, Option<Vec<u8>>);

#[test]
fn records_with_hostile_headers_are_orders_like_others() {
    let mut world = World::embedded("hostile");
    let instances = world.start_all();
    let before: Vec<u64> = instances.values().map(|i| peak_kib(&world.processes, *i)).collect();
    let orders = orders::good(SEED, 12);
    for (order, headers) in orders.iter().zip(hostile().into_iter().cycle()) {
        let [put] = load::puts(order).try_into().expect("an order is one record");
        world.load.put(&[with(put, headers)]);
    }
    world.wait_at_rest(orders.len(), LIMIT);
    for ((service, instance), before) in instances.iter().zip(before) {
        world.processes.wait_ready(*instance);
        let grown = peak_kib(&world.processes, *instance).saturating_sub(before);
        assert!(grown < GROWTH_KIB_MAX, "{} has grown by {grown} KiB", service.name());
    }
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

/// In front of a producer's own headers, as of a name the last one counts.
fn with(put: Put, mut headers: Vec<Header>) -> Put {
    headers.extend(put.headers);
    Put { headers, ..put }
}

fn hostile() -> Vec<Vec<Header>> {
    let header = |name: &str, value: &[u8]| (name.to_owned(), Some(value.to_vec()));
    vec![
        (0..5_000).map(|n| header(&format!("x-{n}"), b"y")).collect(),
        vec![header("x-large", &vec![b'x'; 900_000])],
        vec![header(&"n".repeat(10_000), b"a long name"), ("no value".to_owned(), None)],
        vec![header("ce_subject", b"\x1b[31m\r\nINFO all is well\0"), header("", b"no name")],
        (0..500).map(|n| header("ce_id", format!("{n}").as_bytes())).collect(),
        vec![header("ce_source", b"\xff\xfe"), header("tracestate", &vec![b'a'; 100_000])],
        vec![header(TRACEPARENT, &b"00-".repeat(22_000))],
    ]
}

#[test]
fn clients_that_are_slow_many_or_endless_do_not_keep_others_from_ordering() {
    let mut world = World::embedded("hostile");
    let instances = world.start_all();
    let order_svc = instances[&Service::Order];
    let address = world.processes.address(order_svc);
    let before = peak_kib(&world.processes, order_svc);

    // Fewer than the connections that are allowed; those that stay silent are ended after a time.
    let head = "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let mut slow: Vec<TcpStream> = vec![];
    slow.extend((0..150).map(|_| sent(address, b"GET /orders HTTP/1.1\r\nHost: x\r\nX-Slow: a")));
    let body = format!("{head}Content-Length: 1000\r\n\r\n{{");
    slow.extend((0..50).map(|_| sent(address, body.as_bytes())));

    let mut orders = orders::good(SEED, 5);
    let mut waited = Duration::ZERO;
    for (n, order) in orders.iter_mut().enumerate() {
        // A byte of each now and then.
        slow.iter_mut().for_each(|stream| drop(stream.write_all(b" ")));
        match n {
            0 => pipelined(address),
            1 => large_header(address),
            2 => many_headers(address),
            3 => endless_body(address, head),
            _ => no_http(address),
        }
        let began = Instant::now();
        place(order, address);
        waited = waited.max(began.elapsed());
        let ready = world.processes.get(order_svc, "/readyz").expect("an answer");
        assert_eq!(ready.status, 200, "{ready:?}");
    }
    assert!(waited < Duration::from_secs(10), "an order was answered after {waited:?}");
    world.wait_at_rest(orders.len(), LIMIT);
    let grown = peak_kib(&world.processes, order_svc).saturating_sub(before);
    assert!(grown < GROWTH_KIB_MAX, "it has grown by {grown} KiB");
    drop(slow);
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

fn sent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(LIMIT)).expect("a time-out");
    stream.write_all(bytes).expect("sent");
    stream
}

/// What is answered until the connection ends, however it ends.
fn answer(mut stream: TcpStream) -> String {
    let mut bytes = vec![];
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Five hundred requests before the first answer is read: all are answered, in order.
fn pipelined(address: SocketAddr) {
    let one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let all = one.repeat(499) + last;
    let answers = answer(sent(address, all.as_bytes()));
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 500);
}

/// A header of four megabytes, as much of it as is taken.
fn large_header(address: SocketAddr) {
    let mut stream = sent(address, b"GET /orders HTTP/1.1\r\nHost: x\r\nX-Large: ");
    let taken = (0..64).take_while(|_| stream.write_all(&[b'x'; 65_536]).is_ok()).count();
    let answer = answer(stream);
    assert!(answer.is_empty() || answer.contains("431"), "{answer}");
    assert!(taken < 64 || !answer.is_empty(), "all of it is taken");
}

fn many_headers(address: SocketAddr) {
    let headers: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let request = format!("GET /orders HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    let mut stream = TcpStream::connect(address).expect("connected");
    // It may be refused before all is sent.
    let _ = stream.write_all(request.as_bytes());
    let answer = answer(stream);
    assert!(answer.is_empty() || answer.contains("431"), "{answer}");
}

/// Chunk after chunk, without an end: what is too large is dropped, and not for ever.
fn endless_body(address: SocketAddr, head: &str) {
    let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let mut stream = sent(address, head.as_bytes());
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let chunks = (0..2_000).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(chunks < 2_000, "it takes all that comes");
}

/// What is no HTTP at all, or only nearly.
fn no_http(address: SocketAddr) {
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ] {
        let answer = answer(sent(address, bytes));
        assert!(answer.is_empty() || answer.contains("HTTP/1.1 4"), "{answer}");
    }
}

fn place(order: &mut Order, address: SocketAddr) {
    let key = order.placed.order_id.to_string();
    let body = serde_json::json!({
        "currency": order.placed.currency,
        "lines": order.placed.lines,
        "ship_to": order.placed.ship_to,
    });
    let headers = [("Idempotency-Key", key.as_str())];
    let answer = http::post(address, "/orders", &headers, &body.to_string()).expect("an answer");
    assert_eq!(answer.status, 202, "{answer:?}");
    let answer: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let id = answer["order_id"].as_str().expect("an order id");
    order.placed.order_id = id.parse().expect("an order id");
}

/// The most memory that a process has had at any time, in KiB.
fn peak_kib(processes: &Processes, instance: Instance) -> u64 {
    let file = format!("/proc/{}/status", processes.id(instance));
    let status = std::fs::read_to_string(file).expect("a process that runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
