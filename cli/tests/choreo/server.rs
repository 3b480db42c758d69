//! A server that does what order-svc does on its bad days.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;

/// One answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: String,
    pub(crate) after: Duration,
}

/// An answer at once, without headers.
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: &[], body: body.to_owned(), after: Duration::ZERO }
}

/// What was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) key: String,
    pub(crate) body: Value,
}

/// A server with its answers to `POST /orders`, the last of which it repeats, and to each `GET`.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Script {
    posts: Arc<Vec<Answer>>,
    show: Arc<Answer>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn start(posts: Vec<Answer>, show: Answer) -> Self {
        let asked = Arc::new(Mutex::new(vec![]));
        let script =
            Script { posts: Arc::new(posts), show: Arc::new(show), asked: Arc::clone(&asked) };
        let router = Router::new()
            .route("/orders", post(place))
            .route("/orders/{id}", get(show_order))
            .with_state(script);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), asked, _runtime: runtime }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn place(State(script): State<Script>, headers: HeaderMap, body: Bytes) -> Response {
    let number = {
        let mut asked = script.asked.lock().unwrap();
        let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(&body).unwrap();
        asked.push(Asked { key: key.unwrap_or_default(), body });
        asked.len() - 1
    };
    respond(&script.posts[number.min(script.posts.len() - 1)]).await
}

async fn show_order(State(script): State<Script>) -> Response {
    respond(&script.show).await
}

async fn respond(answer: &Answer) -> Response {
    tokio::time::sleep(answer.after).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(*name, *value);
    }
    response.body(answer.body.clone().into()).unwrap()
}
