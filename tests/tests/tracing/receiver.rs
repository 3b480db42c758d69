//! A collector: takes OTLP over HTTP, and keeps what it gets.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// A collector on a free port, for as long as the test's process lives.
pub(crate) struct Receiver {
    pub(crate) endpoint: String,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

/// A span, and who made it.
pub(crate) struct Made {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let bodies = Arc::new(Mutex::new(vec![]));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::clone(&bodies);
        std::thread::spawn(move || {
            tests::wait::block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let router = axum::Router::new().route("/v1/traces", post(keep)).with_state(state);
                axum::serve(listener, router).await.expect("no end");
            });
        });
        Self { endpoint, bodies }
    }

    /// All that came, as it came.
    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.bodies.lock().expect("no panic").clone()
    }

    /// All spans in it.
    pub(crate) fn spans(&self) -> Vec<Made> {
        let requests = self.bodies().into_iter().map(ExportTraceServiceRequest::decode);
        let resources = requests.flat_map(|request| request.expect("OTLP").resource_spans);
        let made = resources.flat_map(|resource| {
            let service = service_name(resource.resource.as_ref().expect("a resource"));
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| Made { service: service.clone(), span }).collect::<Vec<_>>()
        });
        made.collect()
    }
}

async fn keep(State(bodies): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes) {
    bodies.lock().expect("no panic").push(body);
}

fn service_name(resource: &Resource) -> String {
    text(&resource.attributes, "service.name").expect("a resource with service.name")
}

/// The value of an attribute, if it is a text.
pub(crate) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    match value(attributes, key)? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

/// The value of an attribute, if it is a number.
pub(crate) fn number(attributes: &[KeyValue], key: &str) -> Option<i64> {
    match value(attributes, key)? {
        Value::IntValue(number) => Some(*number),
        _ => None,
    }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    attribute.value.as_ref()?.value.as_ref()
}
