//! Clients that are many, slow or silent.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use choreography::listen::{Limited, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LIMITS: Limits =
    Limits { connections: 2, request: Duration::from_secs(1), idle: Duration::from_secs(2) };

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async fn served() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let big = || async { "x".repeat(50 << 20) };
    let routes = Router::new().route("/", get(async || "here")).route("/big", get(big));
    let server = axum::serve(Limited::new(listener, LIMITS), routes);
    tokio::spawn(async move { server.await.expect("served") });
    address
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connected")
}

/// Asks, and reads until there is the whole answer.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(REQUEST).await.expect("asked");
    let mut answer = vec![];
    while !answer.ends_with(b"here") {
        assert!(0 < stream.read_buf(&mut answer).await.expect("answered"), "closed early");
    }
}

/// How long it takes until the server closes the connection.
async fn closed(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = vec![];
    let end = stream.read_to_end(&mut rest);
    // A reset is an end, too.
    let _ = tokio::time::timeout(Duration::from_secs(20), end).await.expect("closed in time");
    began.elapsed()
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_ends_when_it_is_idle() {
    let mut stream = connect(served().await).await;
    for _ in 0..16 {
        ask(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(Duration::from_secs(1) < closed(&mut stream).await);
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_not_waited_for() {
    let mut stream = connect(served().await).await;
    let began = Instant::now();
    for byte in REQUEST.iter().cycle().take(15).chain(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    closed(&mut stream).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let address = served().await;
    let mut stream = connect(address).await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("asked");
    // Long enough for the limit, with nothing read.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut got = vec![];
    let _ = stream.read_to_end(&mut got).await;
    assert!(got.len() < 50 << 20, "all of it was kept for the client");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_place() {
    let address = served().await;
    let silent = [connect(address).await, connect(address).await];
    let mut third = connect(address).await;
    let began = Instant::now();
    // The silent ones are closed as idle, and then there is room.
    ask(&mut third).await;
    assert!(Duration::from_secs(1) < began.elapsed(), "{:?}", began.elapsed());
    drop(silent);
}
