//! `choreo dlq drop`: deletes the dead letters of a partition up to one of them. Kafka keeps no word
//! such as "seen" beside a record, and deletes only what stands before an offset.

use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::{Config, looker};
use rdkafka::Offset;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::book::{Book, Reading, State, is_dead_letter_topic};
use super::filter::Place;
use super::options::Drop;
use crate::cli::Failure;
use crate::records::from::From;
use crate::terminal::{self, plain};

/// How long the broker may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tells each dead letter that goes, and with `--yes` deletes them.
pub(super) async fn run(options: Drop) -> Result<(), Failure> {
    let Drop { last, yes, common } = options;
    let shown = plain(&last.to_string());
    if !is_dead_letter_topic(&last.topic) {
        return Err(Failure::Usage(anyhow!(
            "{shown} is no dead letter's place: its topic does not end in .dlq"
        )));
    }
    let config = common.cluster.config()?;
    let reading = Reading {
        from: From::Beginning,
        topic: &|topic| topic == last.topic,
        letter: &|letter| {
            letter.record.partition == last.partition && letter.record.offset <= last.offset
        },
    };
    let book = Book::read(&config, reading).await?;
    let is_there = book.letters.last().is_some_and(|letter| letter.record.offset == last.offset);
    if !is_there && book.more == 0 && !book.is_cut {
        return Err(anyhow!("there is no dead letter {shown}").into());
    }
    for letter in &book.letters {
        terminal::print(&common.output.letter(letter, &book)).context("standard output")?;
    }
    if yes {
        delete(&config, &last).await.with_context(|| format!("Kafka at {}", config.brokers))?;
    }
    Ok(common.output.summary(&summary(&book, yes)).context("standard output")?)
}

fn summary(book: &Book, is_done: bool) -> String {
    let letters = match book.letters.len() {
        1 => "1 dead letter".to_owned(),
        count => format!("{count} dead letters"),
    };
    let waiting = match book.count(State::Waiting) {
        0 => String::new(),
        count => format!(", of which {count} not replayed"),
    };
    let omitted = match (book.more, book.is_cut) {
        (0, false) => "",
        _ => ", and later ones that are not told",
    };
    if is_done {
        return format!("{letters} deleted{waiting}{omitted}");
    }
    format!("{letters} would be deleted{waiting}{omitted}; nothing was done: --yes does it")
}

/// Deletes all of the partition up to and including this one.
async fn delete(config: &Config, last: &Place) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        looker(config).create().context("the settings of the client")?;
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(
        &last.topic,
        last.partition,
        Offset::Offset(last.offset.saturating_add(1)),
    )?;
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let options = options.operation_timeout(Some(TIMEOUT));
    let deleted = admin.delete_records(&before, &options).await.context("nothing is deleted")?;
    let answers = deleted.elements();
    answers.iter().try_for_each(|answer| answer.error()).context("nothing is deleted")
}
