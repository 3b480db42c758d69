//! The state of each event for each group: the first that holds of answered, dead-lettered, taken,
//! behind.

use std::collections::BTreeSet;

use choreography::announce::PublishedHearing;
use choreography::dead_letter::Death;
use choreography::manifest::Answers;
use shared_events::event::Event;
use shared_events::ids::EventId;
use shared_events::orders::{OrderCancelled, OrderCompleted};

use crate::outcome::{AnswerFlow, EventFlow, Flow, HearingFlow, State, Verdict};
use crate::sight::Sight;
use crate::story::{Dead, Place, Story, Told};

/// Judges a story by what was seen.
#[must_use]
pub fn judge(order: &str, story: &Story, sight: &Sight) -> Flow {
    let mut events: Vec<_> = story.events.values().collect();
    events.sort_by(|a, b| in_time(a).cmp(&in_time(b)));
    let events: Vec<_> = events.into_iter().map(|told| event(told, story, sight)).collect();
    let verdict = verdict(&events);
    Flow { order_id: order.to_owned(), verdict, events }
}

/// The broker's time, and after that who speaks first: an answer never stands before its cause.
fn in_time(told: &Told) -> (i64, Option<EventId>, &Place) {
    (told.place.appended_ms, told.cause, &told.place)
}

fn verdict(events: &[EventFlow]) -> Verdict {
    let has_ended =
        |event: &EventFlow| [OrderCompleted::NAME, OrderCancelled::NAME].contains(&&*event.name);
    let hearings = || events.iter().flat_map(|event| &event.heard_by);
    let states = || hearings().filter(|hearing| hearing.is_declared).map(|hearing| &hearing.state);
    if states().any(State::is_broken) {
        Verdict::Broken
    } else if events.iter().any(has_ended) && states().all(State::is_final) {
        Verdict::Whole
    } else {
        Verdict::Open
    }
}

fn event(told: &Told, story: &Story, sight: &Sight) -> EventFlow {
    let hearings = sight.hearings(told);
    let declared = hearings.iter().map(|(group, hearing)| {
        let state = state(told, group, Some(hearing), story, sight);
        let within = i64::try_from(hearing.within_ms).unwrap_or(i64::MAX);
        let is_open = !state.is_final();
        let is_late = is_open && within < sight.at.0.saturating_sub(told.place.appended_ms);
        HearingFlow { group: (*group).to_owned(), state, is_declared: true, is_late }
    });
    let hears = |group: &str| hearings.iter().any(|(hears, _)| *hears == group);
    // What has no name is everybody's who takes it.
    let dead_by: BTreeSet<&str> =
        story.letters.iter().filter(|l| l.is_of(told)).map(|l| l.death.group.as_str()).collect();
    let dead = dead_by.into_iter().filter(|group| !hears(group)).map(|group| {
        let state = state(told, group, None, story, sight);
        HearingFlow { group: group.to_owned(), state, is_declared: true, is_late: false }
    });
    let undeclared = sight.undeclared(&told.place.topic).into_iter().map(|group| {
        let state = state(told, group, None, story, sight);
        HearingFlow { group: group.to_owned(), state, is_declared: false, is_late: false }
    });
    EventFlow {
        id: told.id,
        name: told.name.clone(),
        source: told.source.clone(),
        cause: told.cause,
        place: told.place.clone(),
        copies: told.copies.clone(),
        heard_by: declared.chain(dead).chain(undeclared).collect(),
    }
}

/// The first that holds.
fn state(
    told: &Told,
    group: &str,
    hearing: Option<&PublishedHearing>,
    story: &Story,
    sight: &Sight,
) -> State {
    let answered = Answered::to(told, group, story);
    if answered.is_whole() {
        return answered.state(told);
    }
    if let Some(dead) = dead(told, group, story, sight) {
        return dead;
    }
    let Some(committed) = sight.position(group, &told.place) else { return State::NeverStarted };
    if committed <= told.place.offset {
        let records = told.place.offset - committed + 1;
        let for_ms = sight.at.0.saturating_sub(told.place.appended_ms).max(0);
        return State::Behind { records, for_ms };
    }
    if hearing.is_none_or(|hearing| hearing.answers == Answers::Never) {
        return State::Taken;
    }
    if let Some(why) = sight.hidden(group) {
        return State::Unknown { why };
    }
    if !answered.by.is_empty() {
        return State::AnswerMissing;
    }
    if hearing.is_some_and(|hearing| hearing.answers == Answers::Always) {
        let others = story.events.values().filter(|o| o.name == told.name && o.id != told.id);
        let has_answered = |other: &Told| !story.answers(other.id, group).is_empty();
        let is_first = !others.into_iter().any(has_answered);
        return if is_first { State::AnswerMissing } else { State::NotTheFirst };
    }
    State::Taken
}

/// What a group has answered to an event.
struct Answered<'a> {
    by: Vec<&'a Told>,
}

impl<'a> Answered<'a> {
    fn to(told: &Told, group: &str, story: &'a Story) -> Self {
        Self { by: story.answers(told.id, group) }
    }

    /// How many are said at once, as those that are there tell.
    fn of(&self) -> Option<u32> {
        self.by.iter().filter_map(|answer| answer.answers).map(|count| count.total).max()
    }

    /// Whether there is one, and all that were said at once with it.
    fn is_whole(&self) -> bool {
        let at_once = self.by.iter().filter(|answer| answer.answers.is_some()).count();
        !self.by.is_empty() && self.of().is_none_or(|of| of as usize <= at_once)
    }

    fn state(&self, told: &Told) -> State {
        let first = self.by.iter().map(|answer| answer.place.appended_ms).min().unwrap_or_default();
        let by = self.by.iter().map(|a| AnswerFlow { id: a.id, name: a.name.clone() });
        let after_ms = first - told.place.appended_ms;
        State::Answered { by: by.collect(), of: self.of(), after_ms }
    }
}

/// Set aside, unless its newest replay was taken and has not died again.
fn dead(told: &Told, group: &str, story: &Story, sight: &Sight) -> Option<State> {
    let of = |all: &[Dead]| -> Option<Dead> {
        let of_event = all.iter().filter(|dead| dead.death.group == group && dead.is_of(told));
        of_event.max_by_key(|dead| (dead.death.attempt, dead.place.appended_ms)).cloned()
    };
    let letter = of(&story.letters)?;
    let replay = of(&story.replays).filter(|replay| letter.death.attempt <= replay.death.attempt);
    let is_taken = |place: &Place| {
        sight.position(group, place).is_some_and(|committed| place.offset < committed)
    };
    match replay.filter(|replay| is_taken(&replay.place)) {
        Some(replay) => Some(State::TakenByReplay { replay: replay.place }),
        None => {
            let Dead { death: Death { class, error, .. }, place } = letter;
            Some(State::DeadLettered { class, error, letter: place })
        }
    }
}
