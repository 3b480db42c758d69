//! `choreo dlq list`.

use anyhow::Context;

use super::book::{Book, Reading, State};
use super::options::List;
use crate::cli::Failure;
use crate::records::from::From;
use crate::terminal;

/// Tells each dead letter that is wanted, the earliest first, and how many there are.
pub(super) async fn run(options: List) -> Result<(), Failure> {
    let List { filter, common } = options;
    let reading = Reading {
        from: filter.from.unwrap_or(From::Beginning),
        topic: &|topic| filter.may_stand_on(topic),
        letter: &|letter| filter.wants(letter),
    };
    let book = Book::read(&common.cluster.config()?, reading).await?;
    for letter in &book.letters {
        let text = common.output.letter(letter, &book);
        if !terminal::print_while_read(&text).context("standard output")? {
            return Ok(());
        }
    }
    Ok(common.output.summary(&summary(&book)).context("standard output")?)
}

fn summary(book: &Book) -> String {
    use State::{DiedAgain, NoLetter, Repeat, Replayed, Waiting};
    let states = [Waiting, Replayed, DiedAgain, Repeat, NoLetter];
    let counts = states.map(|state| (book.count(state), state.text()));
    let counts = counts.iter().filter(|(count, _)| 0 < *count);
    let counts: Vec<String> = counts.map(|(count, text)| format!("{count} {text}")).collect();
    let all = match book.letters.len() {
        0 => "no dead letters".to_owned(),
        1 => format!("1 dead letter: {}", counts.join(", ")),
        all => format!("{all} dead letters: {}", counts.join(", ")),
    };
    format!("{all}{}", book.omitted())
}
