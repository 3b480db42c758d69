//! A collector: takes OTLP over HTTP, and keeps what it gets.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// A collector on a free port, for as long as the test's process lives.
pub(crate) struct Receiver {
    pub(crate) endpoint: String,
    requests: Arc<Mutex<Requests>>,
}

/// Where each went, and what was in it.
type Requests = Vec<(String, Bytes)>;

/// A span, and who made it.
pub(crate) struct Made {
    pub(crate) service: String,
    pub(crate) span: Span,
}

/// A metric, and whose it is.
pub(crate) struct Measured {
    pub(crate) service: String,
    pub(crate) metric: Metric,
}

/// A log line, who has written it, and the part of the program.
pub(crate) struct Line {
    pub(crate) service: String,
    pub(crate) target: String,
    pub(crate) record: LogRecord,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let requests = Arc::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let keep = post(keep).with_state(Arc::clone(&requests));
        std::thread::spawn(move || {
            tests::wait::block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let router = axum::Router::new().route("/v1/{signal}", keep);
                axum::serve(listener, router).await.expect("no end");
            });
        });
        Self { endpoint, requests }
    }

    /// All that came, as it came.
    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        let requests = self.requests.lock().expect("no panic");
        requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// All spans in it.
    pub(crate) fn spans(&self) -> Vec<Made> {
        let requests = self.messages::<ExportTraceServiceRequest>("/v1/traces");
        let resources = requests.into_iter().flat_map(|request| request.resource_spans);
        let made = resources.flat_map(|resource| {
            let service = service_name(resource.resource.as_ref());
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| Made { service: service.clone(), span })
        });
        made.collect()
    }

    /// All metrics in it, in the order in which they came.
    pub(crate) fn metrics(&self) -> Vec<Measured> {
        let requests = self.messages::<ExportMetricsServiceRequest>("/v1/metrics");
        let resources = requests.into_iter().flat_map(|request| request.resource_metrics);
        let measured = resources.flat_map(|resource| {
            let service = service_name(resource.resource.as_ref());
            let metrics = resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            metrics.map(move |metric| Measured { service: service.clone(), metric })
        });
        measured.collect()
    }

    /// All log lines in it.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let requests = self.messages::<ExportLogsServiceRequest>("/v1/logs");
        let resources = requests.into_iter().flat_map(|request| request.resource_logs);
        let lines = resources.flat_map(|resource| {
            let service = service_name(resource.resource.as_ref());
            resource.scope_logs.into_iter().flat_map(move |scope| {
                let (service, target) = (service.clone(), scope.scope.expect("a scope").name);
                let line =
                    move |record| Line { service: service.clone(), target: target.clone(), record };
                scope.log_records.into_iter().map(line)
            })
        });
        lines.collect()
    }

    fn messages<M: Message + Default>(&self, path: &str) -> Vec<M> {
        let requests = self.requests.lock().expect("no panic");
        let there = requests.iter().filter(|(to, _)| to == path);
        there.map(|(_, body)| M::decode(body.clone()).expect("OTLP")).collect()
    }
}

async fn keep(uri: Uri, State(requests): State<Arc<Mutex<Requests>>>, body: Bytes) {
    requests.lock().expect("no panic").push((uri.path().to_owned(), body));
}

fn service_name(resource: Option<&Resource>) -> String {
    text(&resource.expect("a resource").attributes, "service.name")
        .expect("a resource with service.name")
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

pub(crate) fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    attribute.value.as_ref()?.value.as_ref()
}
