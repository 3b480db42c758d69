//! Following an order until it has ended, by asking.

use std::time::Duration;

use tokio::time::Instant;

use crate::cli::Failure;
use crate::http::Api;
use crate::http::problem::Refusal;
use crate::http::shown::{Answer, Shown, Who};
use crate::terminal;

/// How long it is waited before the first question, and at most between two.
const PAUSES: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(500));

/// Asks for the order until it has ended or the time is up; `on_news` gets each state of it with
/// the answers that are new. Out: its last state, if there was one.
///
/// # Errors
/// order-svc does not know the order, or does not answer until the time is up; or `on_news` fails.
pub(super) async fn until_ended(
    api: &Api,
    order_id: &str,
    deadline: Instant,
    mut on_news: impl FnMut(&Shown, &[&Answer]) -> Result<(), Failure>,
) -> Result<Option<Shown>, Failure> {
    let (mut pause, pause_max) = PAUSES;
    let mut last: Option<Shown> = None;
    let mut trouble: Option<String> = None;
    while Instant::now() < deadline {
        tokio::time::sleep_until(deadline.min(Instant::now() + pause)).await;
        pause = (pause * 3 / 2).min(pause_max);
        match api.show(order_id, deadline).await {
            Ok(shown) => {
                let told: Vec<&Who> =
                    last.iter().flat_map(|l| &l.answered).map(|a| &a.who).collect();
                let new = shown.answered.iter().filter(|answer| !told.contains(&&answer.who));
                let mut new: Vec<&Answer> = new.collect();
                new.sort_by_key(|answer| answer.at);
                let is_news = last.as_ref().is_none_or(|last| last.status != shown.status);
                if is_news || !new.is_empty() {
                    on_news(&shown, &new)?;
                }
                let has_ended = shown.has_ended();
                (last, trouble) = (Some(shown), None);
                if has_ended {
                    break;
                }
            }
            // Not heard yet.
            Err(Refusal::Problem(problem)) if is_waiting(&problem) => {}
            Err(Refusal::Problem(problem)) if problem.status.is_client_error() => {
                return Err(Refusal::Problem(problem).into_error().into());
            }
            Err(refusal) => {
                // It may start again meanwhile.
                let why = format!("{:#}", refusal.into_error());
                if trouble.as_ref() != Some(&why) {
                    terminal::note(&format!("{why}; asked again"));
                }
                trouble = Some(why);
            }
        }
    }
    match (last, trouble) {
        (None, Some(why)) => Err(anyhow::anyhow!(why).into()),
        (last, _) => Ok(last),
    }
}

fn is_waiting(problem: &crate::http::problem::Problem) -> bool {
    problem.retry_after().is_some() && problem.status.is_client_error()
}
