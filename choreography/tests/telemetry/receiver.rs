//! A collector: takes OTLP over HTTP, and keeps what it gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;

/// A collector on a free port.
pub(crate) struct Receiver {
    pub(crate) endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// What it was sent.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

impl Receiver {
    /// Starts it, for as long as the test's process lives.
    pub(crate) fn start() -> Self {
        let requests = Arc::default();
        let keep = post(keep).with_state(Arc::clone(&requests));
        let endpoint = serve(axum::Router::new().route("/{*path}", keep));
        Self { endpoint, requests }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// All that came to the place of traces.
    pub(crate) fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        self.messages("/v1/traces")
    }

    /// All log lines, by the services that they came from.
    pub(crate) fn logs(&self) -> Vec<ResourceLogs> {
        let requests = self.messages::<ExportLogsServiceRequest>("/v1/logs");
        requests.into_iter().flat_map(|request| request.resource_logs).collect()
    }

    fn messages<M: Message + Default>(&self, path: &str) -> Vec<M> {
        let requests = self.requests();
        let requests = requests.into_iter().filter(|request| request.path == path);
        requests.map(|request| M::decode(request.body).unwrap()).collect()
    }

    /// All spans in it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.traces().into_iter().flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

/// A collector that answers each request with `status` after `delay`. Out: its endpoint.
pub(crate) fn answering(status: StatusCode, delay: Duration) -> String {
    let answer = async move || {
        tokio::time::sleep(delay).await;
        status
    };
    serve(axum::Router::new().route("/{*path}", post(answer)))
}

/// Serves on a free port, for as long as the test's process lives.
fn serve(router: axum::Router) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    endpoint
}

async fn keep(
    State(requests): State<Arc<Mutex<Vec<Request>>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) {
    let request = Request { path: uri.path().to_owned(), headers, body };
    requests.lock().unwrap().push(request);
}

/// Spans as text, in the order of their ends: name, kind, parent, links, attributes, error. Spans of
/// `known` that are not among them are called by these names.
pub(crate) fn render(spans: &[Span], known: &[(&str, [u8; 8])]) -> String {
    spans.iter().map(|span| render_one(span, spans, known)).collect()
}

fn render_one(span: &Span, all: &[Span], known: &[(&str, [u8; 8])]) -> String {
    let name = |id: &[u8]| -> String {
        let of_all = all.iter().find(|span| span.span_id == id).map(|span| span.name.as_str());
        let of_known = known.iter().find(|(_, span)| span == id).map(|(name, _)| *name);
        of_all.or(of_known).unwrap_or("?").to_owned()
    };
    let kind = SpanKind::try_from(span.kind).unwrap().as_str_name();
    let mut text = format!("{} {}", span.name, kind.trim_start_matches("SPAN_KIND_"));
    if !span.parent_span_id.is_empty() {
        text += &format!(" in {}", name(&span.parent_span_id));
    }
    for link in &span.links {
        let attributes: String = link.attributes.iter().map(|a| format!(" {}", show(a))).collect();
        text += &format!("\n  link to {}{attributes}", name(&link.span_id));
    }
    let mut attributes: Vec<_> = span.attributes.iter().map(show).collect();
    attributes.sort();
    text += &attributes.iter().map(|attribute| format!("\n  {attribute}")).collect::<String>();
    if let Some(status) = span.status.as_ref().filter(|status| status.code != 0) {
        text += &format!("\n  status {} {:?}", status.code().as_str_name(), status.message);
    }
    text + "\n"
}

/// Texts in quotes, so that they differ from numbers.
pub(crate) fn show(attribute: &KeyValue) -> String {
    let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
    let value = match value {
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    format!("{}={value}", attribute.key)
}
