//! `choreo place`: places an order over HTTP, and follows it to its end.

mod options;

mod wait;

mod tell;

use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::clock;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use shared_events::event::Event;
use shared_events::orders::OrderPlaced;
use tokio::time::Instant;

use crate::cli::Failure;
use crate::given::events::find;
use crate::given::input::Input;
use crate::given::make::Maker;
use crate::http::problem::Refusal;
use crate::http::{self, Accepted, Api, IDEMPOTENCY_KEY};
use crate::terminal;
pub(crate) use options::Options;
use tell::Teller;

/// An order on its way.
struct Order<'a> {
    api: &'a Api,
    body: Value,
    headers: HeaderMap,
    /// The idempotency key, as it is told.
    key: String,
    began: Instant,
    deadline: Instant,
}

/// Places an order for each value of the input, one after the other; the first failure ends it.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let known = find(OrderPlaced::NAME).context("OrderPlaced is not known")?;
    let input = Input::choose(known.name, &options.given, None).map_err(Failure::Usage)?;
    let maker = Maker::new(known, &options.given, &input)?;
    if let Some(note) = maker.note(&input) {
        terminal::note(&note);
    }
    let given = http::headers(&options.headers).map_err(Failure::Usage)?;
    let api = Api::new(options.url.clone())?;
    let mut values = input.read().map_err(Failure::Usage)?;
    let mut is_first = true;
    while let Some(value) = values.recv().await {
        let body = value.and_then(|value| body(&maker, &options, value)).map_err(Failure::Usage)?;
        let (headers, key) = keyed(&options, given.clone(), is_first).map_err(Failure::Usage)?;
        let began = Instant::now();
        let deadline = began + options.timeout;
        let order = Order { api: &api, body, headers, key, began, deadline };
        order.follow(&options).await?;
        is_first = false;
    }
    Ok(())
}

/// The body of the request: checked as the event that it becomes, without the id.
fn body(maker: &Maker, options: &Options, value: Value) -> anyhow::Result<Value> {
    let is_set = options.given.settings.iter().any(|setting| setting.path == "order_id");
    if is_set || value.get("order_id").is_some() {
        return Err(anyhow!(
            "order_id: order-svc draws it itself; to choose it, say OrderPlaced with choreo emit"
        ));
    }
    let (mut body, _) = maker.make(value)?;
    if let Value::Object(fields) = &mut body {
        fields.remove("order_id");
    }
    Ok(body)
}

/// The headers with an idempotency key: the user's own for the first order, else a new one.
fn keyed(
    options: &Options,
    mut headers: HeaderMap,
    is_first: bool,
) -> anyhow::Result<(HeaderMap, String)> {
    let given = headers.get(&IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok().map(str::to_owned));
    let given = options.idempotency_key.clone().or(given);
    if given.is_some() && !is_first {
        return Err(anyhow!("an idempotency key is of one order, and there are more"));
    }
    let key = given.unwrap_or_else(|| clock::new_event_id().to_string());
    let value =
        HeaderValue::from_str(&key).context("--idempotency-key: HTTP has no such header")?;
    headers.insert(IDEMPOTENCY_KEY, value);
    Ok((headers, key))
}

impl Order<'_> {
    async fn follow(self, options: &Options) -> Result<(), Failure> {
        let accepted = self.place().await?;
        let teller = Teller { output: options.output, key: &self.key, accepted: &accepted };
        let after = self.began.elapsed();
        if !options.wait {
            return teller.placed(after);
        }
        teller.begun(after)?;
        let Accepted { order_id, .. } = &accepted;
        let followed = wait::until_ended(self.api, order_id, self.deadline, |shown, new| {
            teller.answered(shown, new, self.began.elapsed())
        });
        let shown = followed.await?;
        teller.ended(shown.as_ref(), self.began.elapsed())?;
        match shown.filter(|shown| shown.has_ended()) {
            Some(_) => Ok(()),
            None => {
                Err(anyhow!("order {order_id} has not ended within {:?}", options.timeout).into())
            }
        }
    }

    /// Posts it, again if order-svc asks for that.
    async fn place(&self) -> Result<Accepted, Failure> {
        loop {
            let placing = self.api.place(&self.body, self.headers.clone(), self.deadline).await;
            let refusal = match placing {
                Ok(accepted) => return Ok(accepted),
                Err(refusal) => refusal,
            };
            // Not at once, even if that is what the server says.
            let again = refusal.retry_after().map(|after| after.max(RETRY_MIN));
            match again.filter(|after| Instant::now() + *after < self.deadline) {
                Some(after) => {
                    let why = refusal.into_error();
                    terminal::note(&format!("{why}; the same request again in {after:?}"));
                    tokio::time::sleep(after).await;
                }
                None => return Err(self.failed(refusal).into()),
            }
        }
    }

    fn failed(&self, refusal: Refusal) -> anyhow::Error {
        let is_open = refusal.is_open();
        let error = refusal.into_error();
        if is_open {
            anyhow!("{error:#}; --idempotency-key {} repeats the order safely", self.key)
        } else {
            error
        }
    }
}

/// The shortest time until a request is repeated.
const RETRY_MIN: Duration = Duration::from_millis(100);
