//! The story of one order, as a tree: each event stands below the one that it answers.

use std::fmt::Write;

use choreography::manifest::Manifest;
use shared_events::event::Event;
use shared_events::orders::{OrderCancelled, OrderCompleted, OrderPlaced};

use super::ledger::{End, Ledger, Order, Told};
use crate::terminal::{BAD, FAINT, GOOD, NAME, STRONG, cut, is_refusal, left, right};

/// The widest line, in characters.
const WIDTH: usize = 100;
/// The widths of the columns besides that of the events.
const SPEAKER_WIDTH: usize = 13;
const TIME_WIDTH: usize = 8;
const SILENT_WIDTH: usize = 24;
const GAPS: usize = 6;
const EVENT_WIDTH_MAX: usize = WIDTH - SPEAKER_WIDTH - TIME_WIDTH - SILENT_WIDTH - GAPS;

/// The stories that show the most: of a completed order, of a refused one, and of one that was
/// cancelled by who placed it.
pub(super) fn stories(ledger: &Ledger) -> String {
    let pick = |is_wanted: &dyn Fn(&Order) -> bool| {
        let wanted = ledger.orders.iter().filter(|(_, order)| is_wanted(order));
        // Of several with as many events the first one.
        wanted.rev().max_by_key(|(_, order)| order.events.len())
    };
    let code =
        |order: &Order| order.find(OrderCancelled::NAME).and_then(|told| told.about.code.clone());
    let requested = |order: &Order| code(order).is_some_and(|code| code == "REQUESTED");
    let chosen = [
        pick(&|order| order.end() == Some(End::Completed)),
        pick(&|order| order.end() == Some(End::Cancelled) && !requested(order)),
        pick(&|order| order.end() == Some(End::Cancelled) && requested(order)),
    ];
    let tell = |(id, order): (&String, &Order)| story(id, order, &ledger.manifests);
    chosen.into_iter().flatten().map(tell).collect()
}

/// The story of one order, with an empty line after it.
fn story(id: &str, order: &Order, manifests: &[Manifest]) -> String {
    let mut text = heading(id, order);
    let began = order.find(OrderPlaced::NAME).map_or(0, |placed| placed.at_ms);
    let mut rows = vec![];
    for root in order.events.iter().filter(|told| told.cause.is_none()) {
        grow(order, root, "", "", &mut rows);
    }
    let width = rows
        .iter()
        .map(|row| row.branch.chars().count() + row.told.name.len() + words_width(row.told));
    let width = width.max().unwrap_or_default().min(EVENT_WIDTH_MAX);
    let head = |text: &str, width| left(text, width, FAINT);
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "{}  {}  {}  {FAINT}heard, says nothing{FAINT:#}",
        head("event", width),
        head("said by", SPEAKER_WIDTH),
        right("after", TIME_WIDTH, FAINT)
    );
    for row in &rows {
        let _ = writeln!(text, "{}", row.line(width, began, order, manifests));
    }
    text.push('\n');
    text
}

fn heading(id: &str, order: &Order) -> String {
    let (style, end, name) = match order.end() {
        Some(End::Completed) => (GOOD, "confirmed and delivered", OrderCompleted::NAME),
        Some(End::Cancelled) => (BAD, "cancelled", OrderCancelled::NAME),
        None => (BAD, "not ended", ""),
    };
    let after = order.ms_until(&[name]).map(|ms| format!(" after {ms} ms")).unwrap_or_default();
    let words = |name| order.find(name).map(|told| told.about.words.as_str()).unwrap_or_default();
    let placed = cut(words(OrderPlaced::NAME), WIDTH - "ordered ".len());
    let trace = order.events.iter().find_map(|told| told.trace_id);
    let trace = trace.map(|id| format!("{:032x}", u128::from_be_bytes(id))).unwrap_or_default();
    let mut text = format!("{STRONG}order {id}{STRONG:#}  {style}{end}{style:#}{after}\n");
    let mut line = |label: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{}{value}", left(label, "ordered ".len(), FAINT));
        }
    };
    line("ordered", placed);
    line("because", cut(words(OrderCancelled::NAME), WIDTH - "because ".len()));
    line("trace", format!("{NAME}{trace}{NAME:#}"));
    text
}

/// One line of the tree.
struct Row<'o> {
    /// What leads to it.
    branch: String,
    told: &'o Told,
}

/// Adds an event and all that answers it, the earlier ones first.
fn grow<'o>(order: &'o Order, told: &'o Told, before: &str, below: &str, rows: &mut Vec<Row<'o>>) {
    rows.push(Row { branch: before.to_owned(), told });
    let mut answers: Vec<&Told> =
        order.events.iter().filter(|answer| answer.cause.as_deref() == Some(&told.id)).collect();
    answers.sort_by_key(|answer| answer.at_ms);
    let last = answers.len().saturating_sub(1);
    for (place, answer) in answers.into_iter().enumerate() {
        let (fork, line) = if place == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        grow(order, answer, &format!("{below}{fork}"), &format!("{below}{line}"), rows);
    }
}

/// What is said of an event beside its name; of an order's own events that stands above the tree.
fn words(told: &Told) -> &str {
    match told.name.as_str() {
        OrderPlaced::NAME | OrderCancelled::NAME => "",
        _ => &told.about.words,
    }
}

fn words_width(told: &Told) -> usize {
    match words(told).chars().count() {
        0 => 0,
        width => width + 2,
    }
}

impl Row<'_> {
    fn line(&self, width: usize, began: i64, order: &Order, manifests: &[Manifest]) -> String {
        let Self { branch, told } = self;
        let used = branch.chars().count() + told.name.chars().count();
        let words = match width.saturating_sub(used + 2) {
            0 => String::new(),
            room => cut(words(told), room),
        };
        let fill = width.saturating_sub(used);
        let words = if words.is_empty() {
            " ".repeat(fill)
        } else {
            format!("  {}", left(&words, fill - 2, FAINT))
        };
        let style = if is_refusal(&told.name) { BAD } else { STRONG };
        let after = format!("{} ms", told.at_ms - began);
        format!(
            "{FAINT}{branch}{FAINT:#}{style}{}{style:#}{words}  {}  {}  {FAINT}{}{FAINT:#}",
            told.name,
            left(&told.speaker, SPEAKER_WIDTH, NAME),
            right(&after, TIME_WIDTH, FAINT),
            silent(told, order, manifests)
        )
    }
}

/// Who hears such an event and has said nothing to this one.
fn silent(told: &Told, order: &Order, manifests: &[Manifest]) -> String {
    let mut hearers =
        manifests.iter().filter(|m| m.hearing(&told.topic, &told.name).is_some()).peekable();
    if hearers.peek().is_none() {
        return "nobody listens".to_owned();
    }
    let said = |service: &str| {
        order
            .events
            .iter()
            .any(|answer| answer.cause.as_deref() == Some(&told.id) && answer.speaker == service)
    };
    hearers.map(|m| m.service).filter(|service| !said(service)).collect::<Vec<_>>().join(", ")
}
