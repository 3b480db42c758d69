//! `choreo flow`: was each event of an order used, by whom, with what result?

mod mermaid;
mod options;
mod tree;

use std::time::Duration;

use ::flow::{Flow, Search, Verdict, of_order};
use anyhow::Context;
use serde_json::json;

use crate::cli::{Failure, UNDECIDED};
use crate::terminal;
pub(crate) use options::Options;
use options::Shape;

/// How often `--follow` looks again.
const EACH: Duration = Duration::from_millis(500);

/// Looks at an order, and tells what became of it.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let config = options.cluster.config()?;
    let mut shown = None;
    loop {
        let (order, max, config) = (options.order.clone(), options.records_max, config.clone());
        let looking = tokio::task::spawn_blocking(move || of_order(&config, &order, max));
        let (flow, search) = looking.await.context("the look at the order")??;
        let text = text(&options, &flow, &search)?;
        if shown.as_ref() != Some(&text) {
            terminal::print(&text).context("standard output")?;
            shown = Some(text);
        }
        if !options.follow || flow.verdict == Verdict::Whole {
            hint(&options, &flow, &search);
            return match flow.verdict {
                Verdict::Whole => Ok(()),
                Verdict::Broken => Err(Failure::Found(1)),
                Verdict::Open => Err(Failure::Found(UNDECIDED)),
            };
        }
        tokio::time::sleep(EACH).await;
    }
}

fn text(options: &Options, flow: &Flow, search: &Search) -> anyhow::Result<String> {
    Ok(match options.output {
        Shape::Text => tree::of(flow),
        Shape::Mermaid => mermaid::of(flow),
        Shape::Json if options.follow => format!("{}\n", serde_json::to_string(flow)?),
        Shape::Json => {
            let mut json = serde_json::to_value(flow)?;
            json["search"] = json!(search);
            format!("{}\n", serde_json::to_string_pretty(&json)?)
        }
    })
}

/// What the user should know besides.
fn hint(options: &Options, flow: &Flow, search: &Search) {
    let Search { records, took_ms, is_wide, is_cut, .. } = search;
    let mut notes = vec![format!("{records} records read in {took_ms} ms")];
    if flow.events.is_empty() {
        notes.push("nothing about this order is on the topics, or not any more".to_owned());
    }
    if *is_wide {
        notes.push(
            "OrderPlaced is not where the order's id says, so all of topic orders was searched"
                .to_owned(),
        );
    }
    if *is_cut {
        notes.push(format!(
            "at most {} records of a partition were read; --records-max raises that",
            options.records_max
        ));
    }
    terminal::note(&notes.join("; "));
}
