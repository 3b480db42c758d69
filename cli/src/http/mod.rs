//! order-svc over HTTP.

mod address;

pub(crate) mod problem;

pub(crate) mod shown;

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

pub(crate) use address::Address;
use problem::{Problem, Refusal};
use shown::Shown;

use crate::given::header::Header;

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// How long an answer may take; order-svc waits for Kafka for five seconds.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The largest answer that is read, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The header that makes a repeated request safe.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// order-svc at an address. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    address: Address,
}

/// What is answered to an order that the broker has.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) order_id: String,
    #[serde(default)]
    pub(crate) trace_id: String,
    #[serde(default)]
    pub(crate) status: String,
}

impl Api {
    /// # Errors
    /// The client cannot be made.
    pub(crate) fn new(address: Address) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("choreo/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        Ok(Self { client: client.build().context("the HTTP client")?, address })
    }

    /// `POST /orders`.
    ///
    /// # Errors
    /// It is refused, or nobody answers before `deadline`: then the order may exist.
    pub(crate) async fn place(
        &self,
        order: &Value,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<Accepted, Refusal> {
        let request = self.client.post(self.address.path("/orders"));
        // Ours first: one of the user's takes the place of it.
        let request = request.header(CONTENT_TYPE, "application/json").headers(headers);
        let body = self.ask(request.body(order.to_string()), deadline).await?;
        Ok(serde_json::from_slice(&body).context("what answers is not order-svc")?)
    }

    /// `GET /orders/{id}`.
    ///
    /// # Errors
    /// It is not known, or nobody answers before `deadline`.
    pub(crate) async fn show(&self, order_id: &str, deadline: Instant) -> Result<Shown, Refusal> {
        let request = self.client.get(self.address.path(&format!("/orders/{order_id}")));
        let body = self.ask(request, deadline).await?;
        Ok(serde_json::from_slice(&body).context("what answers is not order-svc")?)
    }

    /// Whether somebody answers there, whatever it is.
    ///
    /// # Errors
    /// Nobody does.
    pub(crate) async fn look(&self) -> anyhow::Result<()> {
        match self.show("0", Instant::now() + CONNECT_MAX).await {
            Ok(_) | Err(Refusal::Problem(_)) => Ok(()),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    async fn ask(&self, request: RequestBuilder, deadline: Instant) -> Result<Vec<u8>, Refusal> {
        let limit = deadline.saturating_duration_since(Instant::now()).min(ANSWER_MAX);
        let answering = async {
            let response = request.send().await?;
            let (status, retry_after) = (response.status(), retry_after(&response));
            Ok::<_, reqwest::Error>((status, retry_after, read(response).await?))
        };
        let answered = tokio::time::timeout(limit, answering).await;
        let at = || format!("order-svc at {}", self.address);
        let (status, retry_after, body) = match answered {
            Err(_) => {
                return Err(Refusal::Failed(anyhow!(
                    "{}: no answer within {:.1} s",
                    at(),
                    limit.as_secs_f32()
                )));
            }
            Ok(Err(error)) => return Err(transport(&error, at())),
            Ok(Ok(answer)) => answer,
        };
        if status.is_success() {
            return Ok(body);
        }
        Err(Refusal::Problem(Problem::read(status, retry_after, &body)))
    }
}

/// The user's own headers, as HTTP has them.
///
/// # Errors
/// One cannot be a header of HTTP.
pub(crate) fn headers(given: &[Header]) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for header in given {
        let (name, value) = (header.name(), header.value().trim());
        let wrong = || format!("-H {name}: HTTP has no such header");
        let key: HeaderName = name.parse().with_context(wrong)?;
        headers.append(key, HeaderValue::from_str(value).with_context(wrong)?);
    }
    Ok(headers)
}

/// The body, as far as it may go.
async fn read(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = vec![];
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if BODY_BYTES_MAX < body.len() {
            body.truncate(BODY_BYTES_MAX);
            break;
        }
    }
    Ok(body)
}

/// In how many seconds it may be asked again. A date, which HTTP allows too, counts as one second.
fn retry_after(response: &Response) -> Option<Duration> {
    let again =
        [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::NOT_FOUND];
    let value =
        response.headers().get(RETRY_AFTER).filter(|_| again.contains(&response.status()))?;
    let seconds = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(Duration::from_secs(seconds.unwrap_or(1)))
}

/// What went wrong on the way, in few words: the library repeats the address in each error.
fn transport(error: &reqwest::Error, at: String) -> Refusal {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    if error.is_connect() {
        let why = anyhow!("{root}; check its address (--url, CHOREO_URL) and that it runs");
        Refusal::Absent(why.context(at))
    } else {
        Refusal::Failed(anyhow!("{root}").context(at))
    }
}
