//! What was measured, as a table or as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::ledger::{Ledger, Times};
use super::options::Options;
use crate::output::Output;
use crate::terminal::{BAD, FAINT, GOOD, STRONG, left, right};

const LABEL_WIDTH: usize = 26;
const NUMBER_WIDTH: usize = 12;

/// Below this share of the rate that was asked for, it was not kept.
const KEPT: f64 = 0.99;

/// Nor if more than one order in so many was placed late.
const LATE_ONE_IN: u64 = 20;

/// How fast the orders were placed.
pub(super) struct Speed {
    asked: u32,
    achieved: f64,
    in_flight: u32,
}

impl Speed {
    /// From the first order to the last one, each with the time until the next.
    pub(super) fn of(ledger: &Ledger, options: &Options, began: Instant) -> Self {
        let last = ledger.last.map_or(Duration::ZERO, |last| last.saturating_duration_since(began));
        let seconds = last.as_secs_f64() + 1.0 / f64::from(options.rate);
        #[expect(clippy::cast_precision_loss, reason = "there are at most a million orders")]
        let achieved = ledger.sent as f64 / seconds;
        Self { asked: options.rate, achieved, in_flight: options.in_flight }
    }

    /// What the user has to know before reading the numbers, if the rate was not kept.
    pub(super) fn warning(&self, ledger: &Ledger) -> Option<String> {
        let Self { asked, achieved, in_flight } = self;
        let Ledger { sent, late, .. } = ledger;
        let late =
            format!("{late} of {sent} orders late, by {} ms at most", ledger.late_max.as_millis());
        if *achieved < f64::from(*asked) * KEPT {
            return Some(format!(
                "the rate was not kept: {achieved:.1}/s of {asked}/s, {late}; {in_flight} may wait for \
                 their acknowledgement (--in-flight)"
            ));
        }
        (*sent < ledger.late * LATE_ONE_IN).then_some(late)
    }
}

/// The report.
pub(super) fn report(ledger: &Ledger, speed: &Speed, output: Output) -> String {
    match output {
        Output::Text => text(ledger, speed),
        Output::Json => format!("{}\n", json(ledger, speed)),
    }
}

fn text(ledger: &Ledger, speed: &Speed) -> String {
    let mut text = String::new();
    let plain = anstyle::Style::new();
    let good = |number| if number == 0 { FAINT } else { BAD };
    let rows = [
        ("orders placed", ledger.sent, STRONG),
        ("  not acknowledged", ledger.failed(), good(ledger.failed())),
        ("  confirmed", ledger.confirmed, plain),
        ("    and completed", ledger.completed, GOOD),
        ("  cancelled", ledger.cancelled, plain),
        ("  not ended", ledger.open(), good(ledger.open())),
        ("placed late", ledger.late, good(ledger.late)),
    ];
    for (label, number, style) in rows {
        let number = right(&number.to_string(), NUMBER_WIDTH, style);
        let rate = format!("  {:.1}/s of {}/s asked for", speed.achieved, speed.asked);
        let rate = if label == "orders placed" { rate } else { String::new() };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}{number}{FAINT}{rate}{FAINT:#}", left(label, LABEL_WIDTH, plain));
    }
    let head = ["p50", "p90", "p99", "max"].map(|name| right(name, NUMBER_WIDTH, FAINT)).concat();
    let _ = writeln!(text, "{}{head}", left("from when it was due", LABEL_WIDTH, STRONG));
    for (label, times) in times(ledger) {
        let all = if times.count() == 0 {
            [(); 4].map(|()| right("-", NUMBER_WIDTH, FAINT))
        } else {
            values(times).map(|ms| right(&duration(ms), NUMBER_WIDTH, plain))
        };
        let _ = writeln!(
            text,
            "{}{}",
            left(&format!("  to {label}"), LABEL_WIDTH, plain),
            all.concat()
        );
    }
    text
}

fn times(ledger: &Ledger) -> [(&'static str, &Times); 3] {
    [
        ("acknowledged", &ledger.to_acknowledged),
        ("decided", &ledger.to_decided),
        ("completed", &ledger.to_completed),
    ]
}

fn values(times: &Times) -> [f64; 4] {
    [times.percentile(50.0), times.percentile(90.0), times.percentile(99.0), times.max()]
}

/// Three digits that count, as the histogram has.
fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

fn json(ledger: &Ledger, speed: &Speed) -> Value {
    let times = times(ledger).into_iter().map(|(label, times)| {
        let [p50, p90, p99, max] = values(times);
        let times =
            json!({ "count": times.count(), "p50": p50, "p90": p90, "p99": p99, "max": max });
        (label.to_owned(), times)
    });
    json!({
        "orders": {
            "placed": ledger.sent, "acknowledged": ledger.acknowledged, "failed": ledger.failed(),
            "confirmed": ledger.confirmed, "completed": ledger.completed,
            "cancelled": ledger.cancelled, "not_ended": ledger.open(),
        },
        "rate": { "asked": speed.asked, "achieved": speed.achieved },
        "late": { "count": ledger.late, "max_ms": u64::try_from(ledger.late_max.as_millis()).ok() },
        "latency_ms": times.collect::<serde_json::Map<_, _>>(),
        "failures": ledger.failures,
    })
}
