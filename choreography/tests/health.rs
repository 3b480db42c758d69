//! Health, and the pages that tell it.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect has failed")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use choreography::health::{Health, serve};
use choreography::telemetry::Metrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const STALLED_AFTER: Duration = Duration::from_secs(60);
const UNHEALTHY_AFTER: Duration = Duration::from_secs(180);

fn health() -> Health {
    Health::new(STALLED_AFTER, UNHEALTHY_AFTER)
}

fn alive_in(health: &Health, seconds: u64) -> Vec<&'static str> {
    health.alive(Instant::now() + Duration::from_secs(seconds)).reason.into_keys().collect()
}

fn not_ready_for(health: &Health) -> Vec<&'static str> {
    health.ready().reason.into_keys().collect()
}

#[test]
fn a_loop_that_stands_still_is_not_alive() {
    let health = health();
    assert!(alive_in(&health, 1_000).is_empty(), "it may take its time to start");
    health.progress();
    assert_eq!(not_ready_for(&health), ["starting"], "progress is no start");
    health.started();
    assert!(alive_in(&health, 59).is_empty());
    assert_eq!(alive_in(&health, 61), ["stalled"]);
    health.progress();
    assert!(alive_in(&health, 59).is_empty());
}

#[test]
fn a_fault_counts_from_its_first_report() {
    let health = Health::new(STALLED_AFTER, Duration::from_millis(50));
    health.started();
    health.fault(Some("the database is away".to_owned()));
    std::thread::sleep(Duration::from_millis(60));
    health.fault(Some("the database is still away".to_owned()));
    let report = health.alive(Instant::now());
    assert_eq!(report.reason["fault"], "for 0 s: the database is still away");
    assert!(not_ready_for(&health).is_empty(), "a fault may go by itself");
    health.fault(None);
    assert!(alive_in(&health, 1).is_empty());
    health.fault(Some("away again".to_owned()));
    assert!(health.alive(Instant::now()).reason.is_empty(), "it counts anew");
}

#[test]
fn it_is_ready_without_a_reason_only() {
    let health = health();
    health.not_ready("gap", Some("orders/3: 7 records are gone".to_owned()));
    assert_eq!(not_ready_for(&health), ["gap", "starting"]);
    health.started();
    health.not_ready("topics", Some("orders is missing".to_owned()));
    assert_eq!(not_ready_for(&health), ["gap", "topics"]);
    health.not_ready("gap", None);
    health.not_ready("topics", None);
    health.not_ready("never set", None);
    assert!(not_ready_for(&health).is_empty());
    assert!(alive_in(&health, 1).is_empty(), "what is not ready lives");
}

async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Serves, with a page that answers after `slow`.
async fn served(
    health: &Health,
    slow: Duration,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = move || async move {
        tokio::time::sleep(slow).await;
        "the service's own"
    };
    let extra = Router::new().route("/own", get(page));
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        stopped.await.unwrap_or_default();
    };
    let server = serve(listener, health.clone(), Metrics::disabled(), extra, stopped);
    (address, stop, tokio::spawn(server))
}

#[tokio::test]
async fn the_pages_tell_it() {
    let health = health();
    let (address, stop, server) = served(&health, Duration::ZERO).await;
    let ready = ask(address, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains(r#""status":"failed""#), "{ready}");
    assert!(ready.contains(r#""reason":{"starting":"#), "{ready}");
    health.started();
    let ready = ask(address, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with(r#"{"status":"ok"}"#), "{ready}");
    assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    let metrics = ask(address, "/metrics").await;
    assert!(
        metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{metrics}"
    );
    assert!(ask(address, "/own").await.ends_with("the service's own"));
    assert!(ask(address, "/nothing").await.starts_with("HTTP/1.1 404"));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unhealthy_service_says_so() {
    let health = Health::new(Duration::ZERO, UNHEALTHY_AFTER);
    health.started();
    let (address, _stop, _server) = served(&health, Duration::ZERO).await;
    let alive = ask(address, "/healthz").await;
    assert!(alive.starts_with("HTTP/1.1 503") && alive.contains("stalled"), "{alive}");
}

#[tokio::test]
async fn requests_under_way_are_finished() {
    let (address, stop, server) = served(&health(), Duration::from_millis(300)).await;
    let asking = tokio::spawn(async move { ask(address, "/own").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    assert!(asking.await.unwrap().ends_with("the service's own"));
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_hangs_does_not_hold_the_service() {
    let (address, stop, server) = served(&health(), Duration::ZERO).await;
    let mut hanging = TcpStream::connect(address).await.unwrap();
    hanging.write_all(b"GET /own HTTP/1.1\r\nhost: x\r\ncontent-le").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    let began = Instant::now();
    server.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}
