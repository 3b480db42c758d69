//! The guide: the files that it shows, and the topics that it creates.

use std::collections::BTreeSet;

use shared_events::topics::{TopicSpec, event_topic, group_topics};

const TEXT: &str = include_str!("../../../docs/add-a-service.md");

/// A file that the guide shows.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// The files of its two parts, in the order in which they stand there.
pub(crate) fn parts() -> [Vec<File>; 2] {
    let (first, second) = TEXT.split_once("\n## Part 2").expect("two parts");
    [files(first), files(second)]
}

/// A file is a fenced block with its path above it: a line of its own, bold and in backticks.
fn files(part: &'static str) -> Vec<File> {
    let mut files = vec![];
    let mut lines = part.lines().filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let path = line.strip_prefix("**`").and_then(|rest| rest.strip_suffix("`**"));
        let Some(path) = path else { continue };
        assert!(lines.next().is_some_and(|fence| fence.starts_with("```")), "{path}: no block");
        files.push(File { path, text: block(part, line) });
    }
    files
}

/// The block below a line, with its empty lines.
fn block(part: &str, line: &str) -> String {
    let (_, below) = part.split_once(line).expect("it was found there");
    let lines = below.lines().skip_while(|line| !line.starts_with("```")).skip(1);
    lines.take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect()
}

/// The topics that its commands create besides those of the four services.
pub(crate) fn topics() -> Vec<TopicSpec> {
    let commands = TEXT.lines().filter(|line| line.starts_with("choreo topics create"));
    let topics: Vec<TopicSpec> = commands.flat_map(created_by).collect();
    let mut seen = BTreeSet::new();
    topics.into_iter().filter(|topic| seen.insert(topic.name.clone())).collect()
}

/// What `choreo topics create --group GROUP --hears TOPIC… [--topic TOPIC]` creates.
fn created_by(command: &str) -> Vec<TopicSpec> {
    let words: Vec<&str> = command.split(' ').collect();
    let value = |flag| words.iter().skip_while(|word| **word != flag).nth(1).copied();
    let group = value("--group").expect("a group");
    let heard: Vec<&str> = value("--hears").expect("topics").split(',').collect();
    let own = value("--topic").map(event_topic);
    group_topics(group, &heard).into_iter().chain(own).collect()
}
