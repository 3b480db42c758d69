//! The trace of an order as text: a line for each span, below its parent.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::Span;

use crate::receiver::{Made, text};

/// Which answer is the last one, and so the parent of the confirmation, differs from run to run. So
/// what is below the confirmation stands by itself.
const LAST_ANSWER: &str = "OrderConfirmed";

/// Draws all that is below the span `sender` of one trace. Out: the text, and how many spans it shows.
pub(crate) fn draw(trace: &[&Made], sender: &[u8]) -> (String, usize) {
    let mut children: BTreeMap<&[u8], Vec<&Made>> = BTreeMap::new();
    for made in trace {
        children.entry(&made.span.parent_span_id).or_default().push(made);
    }
    let mut apart = vec![];
    let mut text = draw_below(sender, 0, &children, &mut apart);
    while let Some(confirmed) = apart.pop() {
        text += "below the last answer\n";
        text += &draw_one(confirmed, 1, &children, &mut apart);
    }
    let shown = text.lines().filter(|line| line.contains(": ")).count();
    (text, shown)
}

fn draw_below<'t>(
    parent: &[u8],
    depth: usize,
    children: &BTreeMap<&[u8], Vec<&'t Made>>,
    apart: &mut Vec<&'t Made>,
) -> String {
    let below = children.get(parent).into_iter().flatten();
    let (confirmed, others): (Vec<&Made>, Vec<&Made>) =
        below.partition(|made| is_confirmation(&made.span));
    apart.extend(confirmed);
    let mut texts: Vec<_> =
        others.into_iter().map(|made| draw_one(made, depth, children, apart)).collect();
    texts.sort();
    texts.concat()
}

fn draw_one<'t>(
    made: &'t Made,
    depth: usize,
    children: &BTreeMap<&[u8], Vec<&'t Made>>,
    apart: &mut Vec<&'t Made>,
) -> String {
    let Made { service, span } = made;
    let kind = span.kind().as_str_name().trim_start_matches("SPAN_KIND_");
    let event = text(&span.attributes, "cloudevents.event_type").unwrap_or_default();
    let line = format!("{:indent$}{service}: {} {kind} {event}", "", span.name, indent = 2 * depth);
    let below = draw_below(&span.span_id, depth + 1, children, apart);
    format!("{}\n{below}", line.trim_end())
}

fn is_confirmation(span: &Span) -> bool {
    span.name.starts_with("send ")
        && text(&span.attributes, "cloudevents.event_type").as_deref() == Some(LAST_ANSWER)
}
