//! What is told of an order that was placed.

use std::fmt::Write;
use std::time::Duration;

use anstyle::Style;
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::http::Accepted;
use crate::http::shown::{Answer, Shown};
use crate::output::Output;
use crate::terminal::{self, BAD, FAINT, GOOD, NAME, STRONG, left, plain, right};

/// Tells of one order: as it goes on in text, at the end in JSON.
pub(super) struct Teller<'a> {
    pub(super) output: Output,
    pub(super) key: &'a str,
    pub(super) accepted: &'a Accepted,
}

const TIME_WIDTH: usize = 9;
const WHO_WIDTH: usize = 28;

impl Teller<'_> {
    /// It is placed, and not followed.
    pub(super) fn placed(&self, after: Duration) -> Result<(), Failure> {
        match self.output {
            Output::Text => self.begun(after),
            Output::Json => print(&format!("{}\n", self.json(after))),
        }
    }

    /// It is placed, and followed from now on.
    pub(super) fn begun(&self, after: Duration) -> Result<(), Failure> {
        let Accepted { order_id, trace_id, status } = self.accepted;
        let text = format!(
            "{STRONG}order {}{STRONG:#}  {} after {} ms\n{FAINT}trace{FAINT:#} {NAME}{}{NAME:#}\n",
            plain(order_id),
            plain(status),
            after.as_millis(),
            plain(trace_id)
        );
        self.text(&text)
    }

    /// There are new answers, or its status is another one.
    pub(super) fn answered(
        &self,
        shown: &Shown,
        new: &[&Answer],
        after: Duration,
    ) -> Result<(), Failure> {
        let mut text = String::new();
        for Answer { who, at, agrees } in new {
            let (style, word) = if *agrees { (GOOD, "agrees") } else { (BAD, "does not agree") };
            let ms = at.saturating_sub(shown.placed_at);
            text.push_str(&row(ms, &who.text(), style, word));
        }
        if shown.status == "confirmed" {
            let ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
            text.push_str(&row(ms, "order-svc", GOOD, "confirmed"));
        }
        self.text(&text)
    }

    /// It has ended, or the time is up.
    pub(super) fn ended(&self, shown: Option<&Shown>, after: Duration) -> Result<(), Failure> {
        match self.output {
            Output::Text => self.text(&last_words(shown, after)),
            Output::Json => {
                let mut json = self.json(after);
                json["ended"] = shown.is_some_and(Shown::has_ended).into();
                if let Some(shown) = shown {
                    json["status"] = shown.status.clone().into();
                    json["answered"] = json!(shown.answered);
                    json["not_answered"] = json!(shown.not_answered);
                    json["reasons"] = json!(shown.reasons);
                }
                print(&format!("{json}\n"))
            }
        }
    }

    fn json(&self, after: Duration) -> Value {
        let Accepted { order_id, trace_id, status } = self.accepted;
        json!({
            "order_id": order_id, "trace_id": trace_id, "status": status,
            "idempotency_key": self.key, "after_ms": u64::try_from(after.as_millis()).ok(),
        })
    }

    fn text(&self, text: &str) -> Result<(), Failure> {
        match self.output {
            Output::Text => print(text),
            Output::Json => Ok(()),
        }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(terminal::print(text).context("standard output")?)
}

fn row(ms: i64, who: &str, style: Style, word: &str) -> String {
    let (ms, who) = (format!("{ms} ms"), plain(who));
    let (ms, who) = (right(&ms, TIME_WIDTH, FAINT), left(&who, WHO_WIDTH, NAME));
    format!("{ms}  {who}{style}{word}{style:#}\n")
}

/// How it ended and after how long, or who is waited for.
fn last_words(shown: Option<&Shown>, after: Duration) -> String {
    let ms = after.as_millis();
    let Some(shown) = shown else {
        return format!("{BAD}not heard{BAD:#} by order-svc after {ms} ms\n");
    };
    let status = plain(&shown.status);
    if !shown.has_ended() {
        let open: Vec<String> = shown.not_answered.iter().map(|who| plain(&who.text())).collect();
        let open = if open.is_empty() { "nobody's answer".to_owned() } else { open.join(", ") };
        return format!("{BAD}{status}, not ended{BAD:#} after {ms} ms; missing: {open}\n");
    }
    let style = if shown.status == "completed" { GOOD } else { BAD };
    let mut text = format!("{style}{status}{style:#} after {ms} ms\n");
    for reason in &shown.reasons {
        let code = reason.code.to_lowercase().replace('_', " ");
        // Writing to a String does not fail.
        let _ =
            writeln!(text, "{FAINT}because{FAINT:#} {}: {}", plain(&code), plain(&reason.detail));
    }
    text
}
