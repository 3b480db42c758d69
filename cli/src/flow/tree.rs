//! A flow as a tree: an event, below it who should hear it, below that the answers.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use ::flow::{EventFlow, Flow, HearingFlow, State, Verdict};
use anstyle::{AnsiColor, Style};
use shared_events::ids::EventId;

use crate::terminal::{BAD, FAINT, GOOD, NAME, STRONG, is_refusal, left, plain};

const WAITING: Style = AnsiColor::Yellow.on_default();

/// The widths of the columns.
const LABEL_WIDTH: usize = 44;

/// The tree, with a line about the whole.
pub(super) fn of(flow: &Flow) -> String {
    let mut tree = Tree { flow, text: String::new(), told: BTreeSet::new() };
    tree.head();
    for event in &flow.events {
        // An answer to something that is gone stands by itself.
        if !event.cause.is_some_and(|cause| flow.events.iter().any(|e| e.id == cause)) {
            tree.event(event, "", "");
        }
    }
    tree.text
}

struct Tree<'a> {
    flow: &'a Flow,
    text: String,
    /// Events that stand somewhere in the tree.
    told: BTreeSet<EventId>,
}

impl Tree<'_> {
    fn head(&mut self) {
        let (style, text) = match self.flow.verdict {
            Verdict::Whole => (GOOD, "whole: it has ended, and all who should hear have"),
            Verdict::Broken => (BAD, "broken: an answer is missing, or an event is dead"),
            Verdict::Open if self.flow.events.is_empty() => (BAD, "not found"),
            Verdict::Open => (WAITING, "open: it has not ended, or not all have heard yet"),
        };
        let order = plain(&self.flow.order_id);
        let _ = writeln!(self.text, "{STRONG}{order}{STRONG:#}  {style}{text}{style:#}");
    }

    /// `first` stands before the event's line, `rest` before those below it.
    fn event(&mut self, event: &EventFlow, first: &str, rest: &str) {
        if !self.told.insert(event.id) {
            return;
        }
        let name = if event.name.is_empty() { "an event without a name" } else { &event.name };
        let style = if is_refusal(name) { BAD } else { STRONG };
        let copies = match event.copies.len() {
            0 => String::new(),
            1 => ", and a copy".to_owned(),
            copies => format!(", and {copies} copies"),
        };
        let speaker = event.source.as_deref().unwrap_or("-").trim_start_matches('/');
        let place = &event.place;
        let place = format!("{}/{}@{}{copies}", plain(&place.topic), place.partition, place.offset);
        self.line(
            first,
            &plain(name),
            style,
            &format!("{NAME}{}{NAME:#}  {FAINT}{place}{FAINT:#}", plain(speaker)),
        );
        if event.heard_by.is_empty() {
            self.line(&format!("{rest}└─ "), "nobody listens", FAINT, "");
        }
        for (index, hearing) in event.heard_by.iter().enumerate() {
            let is_last = index + 1 == event.heard_by.len();
            let (own, below) = branch(rest, is_last);
            self.hearing(event, hearing, &own, &below);
        }
    }

    fn hearing(&mut self, event: &EventFlow, hearing: &HearingFlow, first: &str, rest: &str) {
        let (style, mut text) = told(&hearing.state);
        if hearing.is_late {
            text.push_str(", late");
        }
        if !hearing.is_declared {
            text.push_str(", undeclared");
        }
        self.line(
            first,
            &plain(&hearing.group),
            NAME,
            &format!("{style}{}{style:#}", plain(&text)),
        );
        let source = format!("/{}", hearing.group);
        let answers = self.flow.events.iter().filter(|answer| {
            answer.cause == Some(event.id) && answer.source.as_deref() == Some(&source)
        });
        let answers: Vec<_> = answers.collect();
        for (index, answer) in answers.iter().enumerate() {
            let (own, below) = branch(rest, index + 1 == answers.len());
            self.event(answer, &own, &below);
        }
    }

    fn line(&mut self, lead: &str, label: &str, style: Style, text: &str) {
        let width = LABEL_WIDTH.saturating_sub(lead.chars().count());
        let line = format!("{FAINT}{lead}{FAINT:#}{}  {text}", left(label, width, style));
        let _ = writeln!(self.text, "{}", line.trim_end());
    }
}

fn branch(rest: &str, is_last: bool) -> (String, String) {
    if is_last {
        (format!("{rest}└─ "), format!("{rest}   "))
    } else {
        (format!("{rest}├─ "), format!("{rest}│  "))
    }
}

/// A state in words.
fn told(state: &State) -> (Style, String) {
    match state {
        State::Answered { by, of, after_ms } => {
            // Answers that stand below it need no name; a confirmation stands below one only.
            let names: BTreeSet<&str> = by.iter().map(|answer| answer.name.as_str()).collect();
            let names: Vec<_> = names.into_iter().collect();
            let several =
                of.filter(|of| 1 < *of).map(|of| format!("{of} times, ")).unwrap_or_default();
            (GOOD, format!("answered {several}after {}: {}", short(*after_ms), names.join(", ")))
        }
        State::DeadLettered { class, error, letter } => {
            let at = format!("{}/{}@{}", letter.topic, letter.partition, letter.offset);
            (BAD, format!("dead letter at {at}, {class}: {error}"))
        }
        State::TakenByReplay { replay } => {
            let at = format!("{}/{}@{}", replay.topic, replay.partition, replay.offset);
            (GOOD, format!("taken by replay, {at}"))
        }
        State::Taken => (GOOD, "taken".to_owned()),
        State::NotTheFirst => (GOOD, "taken: not the first".to_owned()),
        State::AnswerMissing => (BAD, "taken, and its answer is missing".to_owned()),
        State::Behind { records: 1, for_ms } => {
            (WAITING, format!("behind by this record, for {}", short(*for_ms)))
        }
        State::Behind { records, for_ms } => {
            (WAITING, format!("behind by up to {records} records, for {}", short(*for_ms)))
        }
        State::NeverStarted => (WAITING, "never started".to_owned()),
        State::Unknown { why } => (WAITING, format!("taken; its answer may be hidden: {why}")),
    }
}

/// A time that a person reads at a glance.
fn short(ms: i64) -> String {
    let ms = u64::try_from(ms).unwrap_or(0);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => humantime::format_duration(Duration::from_secs(ms / 1_000)).to_string(),
    }
}
