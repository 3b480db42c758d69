//! A flow as a sequence diagram in [Mermaid](https://mermaid.js.org)'s language.

use std::collections::BTreeMap;
use std::fmt::Write;

use ::flow::{EventFlow, Flow, HearingFlow, State};

/// The diagram: an arrow for each event and each group that should hear it. One that was not used
/// ends in a cross.
pub(super) fn of(flow: &Flow) -> String {
    let mut text = "sequenceDiagram\n".to_owned();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut body = String::new();
    for event in &flow.events {
        let from = event.source.as_deref().unwrap_or("?").trim_start_matches('/');
        let number = names.len();
        names.entry(from).or_insert(number);
        for hearing in &event.heard_by {
            let number = names.len();
            names.entry(&hearing.group).or_insert(number);
            let _ = writeln!(body, "    {}", arrow(&names, from, event, hearing));
        }
        if event.heard_by.is_empty() {
            let _ = writeln!(body, "    Note over p{}: {}", names[from], safe(&event.name));
        }
    }
    let mut participants: Vec<_> = names.into_iter().collect();
    participants.sort_by_key(|(_, number)| *number);
    for (name, number) in participants {
        let _ = writeln!(text, "    participant p{number} as {}", safe(name));
    }
    text + &body
}

fn arrow(
    names: &BTreeMap<&str, usize>,
    from: &str,
    event: &EventFlow,
    hearing: &HearingFlow,
) -> String {
    let (arrow, note) = match &hearing.state {
        State::Answered { .. } => ("->>", ""),
        State::Taken | State::NotTheFirst | State::TakenByReplay { .. } => ("-->>", ""),
        State::DeadLettered { .. } => ("-x", ", dead letter"),
        State::AnswerMissing => ("-x", ", answer missing"),
        State::Behind { .. } => ("--x", ", behind"),
        State::NeverStarted => ("--x", ", never started"),
        State::Unknown { .. } => ("--x", ", unknown"),
    };
    let (from, to) = (names[from], names[hearing.group.as_str()]);
    format!("p{from}{arrow}p{to}: {}{note}", safe(&event.name))
}

/// What is of the language must not come from a name.
fn safe(text: &str) -> String {
    let allowed = |c: &char| c.is_alphanumeric() || "-_. ?".contains(*c);
    text.chars().filter(allowed).collect()
}
