//! `choreo topics create`: the topics of the services, created or compared. What is there is never
//! changed.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, anyhow, ensure};
use choreography::topics::{Difference, Outcome, State, apply, needed_by};
use serde_json::{Value, json};
use shared_events::topics::{Replicas, TopicSpec, event_topic, group_topics};

use crate::cli::Failure;
use crate::demo;
use crate::kafka::{Cluster, look};
use crate::output::Output;
use crate::terminal::{self, BAD, FAINT, GOOD, left};

const EXAMPLES: &str = "\
Examples:
  choreo topics create                                        a single broker on this machine
  choreo topics create -b kafka:9092 --replication-factor 3   production: three copies, of which
                                                              two acknowledge (min.insync.replicas)
  choreo topics create --group fraud-svc --hears orders,inventory
                                                              also those of a service of your own
Run it again at any time: it changes nothing that is there, says what differs, and exits with 1 if
anything does.";

/// From so many brokers on, a cluster is taken for a production one.
const PRODUCTION_BROKERS: usize = 3;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Create what is missing, and compare what is there
    Create(Options),
}

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    cluster: Cluster,

    /// How many copies of each record the cluster keeps
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    replication_factor: i32,

    /// How many of them have a record before it is acknowledged [default: one less than copies, at
    /// least 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    min_insync_replicas: Option<i32>,

    /// Also the dead-letter and replay topics of a service that is not one of the four
    #[arg(long, value_name = "NAME", requires = "hears")]
    group: Option<String>,

    /// The topics that the service of --group hears, separated by commas; repeatable
    #[arg(long, value_name = "TOPIC,…", value_delimiter = ',', requires = "group")]
    hears: Vec<String>,

    /// Also an event topic that is not one of the four services'; repeatable
    #[arg(long = "topic", value_name = "NAME")]
    topics: Vec<String>,

    /// How the outcome is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Creates and compares the topics of all four services, and of the one that is asked for.
pub(crate) async fn run(Command::Create(options): Command) -> Result<(), Failure> {
    let factor = options.replication_factor;
    let min_insync = options.min_insync_replicas.unwrap_or((factor - 1).max(1));
    let replicas = replicas(factor, min_insync).map_err(Failure::Usage)?;
    let specs = options.specs().map_err(Failure::Usage)?;
    let config = options.cluster.config()?;
    let brokers = look(&config, None).await?.brokers;
    if PRODUCTION_BROKERS <= brokers && factor == 1 {
        terminal::note(&format!(
            "the cluster has {brokers} brokers, and each topic gets one copy; for production use --replication-factor 3"
        ));
    }
    let outcomes = apply(&config, &specs, replicas).await?;
    let text: String = outcomes.iter().map(|outcome| options.output.line(outcome)).collect();
    terminal::print(&text).context("standard output")?;
    match outcomes.iter().filter(|outcome| !is_well(&outcome.state)).count() {
        0 => Ok(()),
        count => {
            Err(anyhow!("{count} of {} topics are not as they should be", outcomes.len()).into())
        }
    }
}

impl Options {
    /// All topics that shall be there.
    fn specs(&self) -> anyhow::Result<Vec<TopicSpec>> {
        let own = self.topics.iter().map(|topic| event_topic(topic));
        let mut specs = by_name(needed_by(&demo::manifests()).into_iter().chain(own));
        for heard in &self.hears {
            ensure!(
                specs.contains_key(heard),
                "--hears {heard}: no service has such a topic; for one of your own add --topic {heard}"
            );
        }
        let hears: Vec<&str> = self.hears.iter().map(String::as_str).collect();
        let group = self.group.iter().flat_map(|group| group_topics(group, &hears));
        specs.extend(by_name(group));
        Ok(specs.into_values().collect())
    }
}

fn by_name(specs: impl IntoIterator<Item = TopicSpec>) -> BTreeMap<String, TopicSpec> {
    specs.into_iter().map(|spec| (spec.name.clone(), spec)).collect()
}

fn replicas(factor: i32, min_insync: i32) -> anyhow::Result<Replicas> {
    ensure!(
        min_insync <= factor,
        "--min-insync-replicas {min_insync} is more than the {factor} copies of --replication-factor: \
         no record would ever be acknowledged"
    );
    Ok(Replicas { factor, min_insync })
}

fn is_well(state: &State) -> bool {
    matches!(state, State::Created | State::AsDeclared)
}

impl Output {
    fn line(self, Outcome { name, state }: &Outcome) -> String {
        match self {
            Self::Text => text(name, state),
            Self::Json => format!("{}\n", json(name, state)),
        }
    }
}

fn text(name: &str, state: &State) -> String {
    const STATE_WIDTH: usize = 13;
    let row = |style, word| format!("{}{name}\n", left(word, STATE_WIDTH, style));
    match state {
        State::Created => row(GOOD, "created"),
        State::AsDeclared => row(FAINT, "as declared"),
        State::Failed(why) => format!("{}{name}: {why}\n", left("failed", STATE_WIDTH, BAD)),
        State::Differs(differences) => {
            let mut text = row(BAD, "differs");
            for Difference { what, is, should_be } in differences {
                // Writing to a String does not fail.
                let _ =
                    writeln!(text, "{:STATE_WIDTH$}  {what} is {is}, should be {should_be}", "");
            }
            text
        }
    }
}

fn json(name: &str, state: &State) -> Value {
    match state {
        State::Created => json!({ "topic": name, "state": "created" }),
        State::AsDeclared => json!({ "topic": name, "state": "as_declared" }),
        State::Failed(why) => json!({ "topic": name, "state": "failed", "error": why }),
        State::Differs(differences) => {
            let differences: Vec<Value> = differences
                .iter()
                .map(|d| json!({ "what": d.what, "is": d.is, "should_be": d.should_be }))
                .collect();
            json!({ "topic": name, "state": "differs", "differences": differences })
        }
    }
}
