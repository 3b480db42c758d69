//! The verdict for people, and as one JSON document.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::Style;
use checker::verdict::State;
use checker::{Evidence, Service, Verdict};
use rdkafka::message::Timestamp as RecordTime;
use serde_json::{Map, Value, json};
use shared_events::amounts::Timestamp;
use shared_events::topics::dead_letter_topic;

use crate::follow::time;
use crate::output::Output;
use crate::records::json::written;
use crate::terminal::{BAD, FAINT, GOOD, STRONG, left, plain, right};

/// So many violations are told to people, and so many orders that are not whole.
const VIOLATIONS_SHOWN: usize = 25;
const ORDERS_SHOWN: usize = 5;

/// So many of each are in the document.
const LISTED_MAX: usize = 10_000;

const LABEL_WIDTH: usize = 14;
const NUMBER_WIDTH: usize = 8;

/// What is told.
pub(super) struct Told<'a> {
    pub(super) verdict: &'a Verdict,
    pub(super) evidence: &'a Evidence,
    pub(super) since: Option<Timestamp>,
    pub(super) is_narrowed: bool,
}

/// How many orders are in each state.
struct Counts {
    completed: usize,
    cancelled: usize,
    under_way: usize,
    set_aside: usize,
    violated: usize,
}

impl Counts {
    fn of(verdict: &Verdict) -> Self {
        Self {
            completed: verdict.count(|state| matches!(state, State::Completed)),
            cancelled: verdict.count(|state| matches!(state, State::Cancelled { .. })),
            under_way: verdict.count(|state| matches!(state, State::UnderWay { .. })),
            set_aside: verdict.count(|state| matches!(state, State::SetAside { .. })),
            violated: verdict.count(|state| matches!(state, State::Violated)),
        }
    }
}

impl Told<'_> {
    /// All of it, in this form.
    pub(super) fn text(&self, output: Output) -> String {
        match output {
            Output::Text => self.lines(),
            Output::Json => written(self.document()),
        }
    }

    fn since(&self) -> Option<String> {
        self.since.map(|since| time(RecordTime::CreateTime(since.0)))
    }

    fn dead_letters(&self) -> usize {
        let ends = Service::ALL.map(|service| dead_letter_topic("", service.name()));
        let is_letter = |topic: &str| ends.iter().any(|end| topic.ends_with(end.as_str()));
        self.evidence.log.0.iter().filter(|record| is_letter(&record.topic)).count()
    }

    /// How many orders were cancelled for which reason; of several the first.
    fn reasons(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for state in self.verdict.orders.values() {
            if let State::Cancelled { reasons } = state {
                let first = reasons.first().and_then(|code| serde_json::to_value(code).ok());
                let name = first.and_then(|code| Some(code.as_str()?.to_lowercase()));
                *counts.entry(name.unwrap_or_default().replace('_', " ")).or_default() += 1;
            }
        }
        counts
    }

    fn lines(&self) -> String {
        let counts = Counts::of(self.verdict);
        let since = self.since().unwrap_or_else(|| "the first record".to_owned());
        let reasons: Vec<String> =
            self.reasons().iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let mut text = String::new();
        let mut row = |label: &str, number: usize, style: Style, words: &str| {
            // Writing to a String does not fail.
            let number = right(&number.to_string(), NUMBER_WIDTH, style);
            let line = format!("{}{number}  {words}", left(label, LABEL_WIDTH, Style::new()));
            let _ = writeln!(text, "{}", line.trim_end());
        };
        let some = |number: usize, style| if number == 0 { FAINT } else { style };
        row("orders", self.verdict.orders.len(), STRONG, &format!("placed since {since}"));
        row("  completed", counts.completed, some(counts.completed, GOOD), "");
        row("  cancelled", counts.cancelled, some(counts.cancelled, GOOD), &reasons.join(", "));
        row("  under way", counts.under_way, some(counts.under_way, STRONG), "");
        row("  set aside", counts.set_aside, some(counts.set_aside, BAD), "");
        row("  violated", counts.violated, some(counts.violated, BAD), "");
        row(
            "violations",
            self.verdict.violations.len(),
            some(self.verdict.violations.len(), BAD),
            "",
        );
        let dead = self.dead_letters();
        row("dead letters", dead, some(dead, BAD), "");
        row("records", self.evidence.log.0.len(), FAINT, "");
        text + &self.violations() + &self.open() + &self.not_looked_at()
    }

    fn violations(&self) -> String {
        let mut text = String::new();
        let all = &self.verdict.violations;
        for violation in all.iter().take(VIOLATIONS_SHOWN) {
            let _ = writeln!(text, "{BAD}violated:{BAD:#} {}", plain(&violation.to_string()));
        }
        if VIOLATIONS_SHOWN < all.len() {
            let more = all.len() - VIOLATIONS_SHOWN;
            let _ = writeln!(text, "… and {more} more; -o json has them");
        }
        text
    }

    /// Some orders that have not come to their end.
    fn open(&self) -> String {
        let mut text = String::new();
        for (name, style, is) in [("set aside", BAD, true), ("under way", STRONG, false)] {
            let orders = self.verdict.orders.iter().filter_map(|(id, state)| match state {
                State::SetAside { why } if is => Some((id, why)),
                State::UnderWay { why } if !is => Some((id, why)),
                _ => None,
            });
            for (id, why) in orders.take(ORDERS_SHOWN) {
                let _ =
                    writeln!(text, "{style}{name}:{style:#} order {}: {}", plain(id), plain(why));
            }
        }
        text
    }

    fn not_looked_at(&self) -> String {
        let mut text = String::new();
        for not in &self.verdict.not_looked_at {
            let line = format!("not looked at: {}; it needs {}", not.what, not.for_lack_of);
            let _ = writeln!(text, "{FAINT}{}{FAINT:#}", plain(&line));
        }
        text
    }

    fn document(&self) -> Map<String, Value> {
        let counts = Counts::of(self.verdict);
        let violations: Vec<Value> =
            self.verdict.violations.iter().take(LISTED_MAX).map(violation).collect();
        let open = self.verdict.orders.iter().filter_map(|(id, state)| match state {
            State::UnderWay { why } | State::SetAside { why } => {
                let is =
                    if matches!(state, State::UnderWay { .. }) { "under_way" } else { "set_aside" };
                Some(json!({ "order": id, "state": is, "why": why }))
            }
            State::Completed | State::Cancelled { .. } | State::Violated => None,
        });
        let fields = [
            ("since", json!(self.since())),
            ("is_narrowed", json!(self.is_narrowed)),
            ("records", json!(self.evidence.log.0.len())),
            (
                "orders",
                json!({
                    "looked_at": self.verdict.orders.len(), "completed": counts.completed,
                    "cancelled": counts.cancelled, "under_way": counts.under_way,
                    "set_aside": counts.set_aside, "violated": counts.violated,
                }),
            ),
            ("dead_letters", json!(self.dead_letters())),
            ("violations_count", json!(self.verdict.violations.len())),
            ("violations", violations.into()),
            ("open", open.take(LISTED_MAX).collect::<Vec<_>>().into()),
            ("not_looked_at", json!(self.verdict.not_looked_at)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Its fields, and the sentence for people.
fn violation(violation: &checker::Violation) -> Value {
    let mut value = json!(violation);
    value["text"] = violation.to_string().into();
    value
}
