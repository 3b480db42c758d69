//! All that can happen to one order: each state that the world can reach is visited once.

use std::collections::{HashSet, VecDeque};

use crate::story::Failure;
use crate::world::{Step, World};

/// How much was visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Steps that were taken from them.
    pub steps: usize,
    /// States in which nothing is left to happen.
    pub ends: usize,
    /// Those of them in which an order is completed.
    pub completed: usize,
}

/// How a state was reached: the state before, and the step from there.
type Origin = (usize, Step);

/// Visits all states that can be reached from `start`, the nearest first.
///
/// # Errors
/// A law that is broken, with a shortest story.
pub fn explore(start: &World) -> Result<Explored, Failure> {
    let mut explored = Explored { states: 1, ..Explored::default() };
    let mut seen = HashSet::from([start.fingerprint()]);
    let mut origins: Vec<Option<Origin>> = vec![None];
    let mut waiting = VecDeque::from([(0, start.clone())]);
    while let Some((number, world)) = waiting.pop_front() {
        let fail = |broken, last: Option<Step>| {
            let mut steps = path(&origins, number);
            steps.extend(last);
            Failure::new(broken, start, &steps)
        };
        let steps = world.steps();
        if steps.is_empty() {
            world.check_end().map_err(|broken| fail(broken, None))?;
            explored.ends += 1;
            let completed = world.log.iter().any(|record| record.name() == "OrderCompleted");
            explored.completed += usize::from(completed);
        }
        let mut reached = vec![];
        for step in steps {
            let mut next = world.clone();
            next.take(step).map_err(|broken| fail(broken, Some(step)))?;
            explored.steps += 1;
            if seen.insert(next.fingerprint()) {
                reached.push((step, next));
            }
        }
        for (step, next) in reached {
            waiting.push_back((origins.len(), next));
            origins.push(Some((number, step)));
        }
    }
    explored.states = seen.len();
    Ok(explored)
}

fn path(origins: &[Option<Origin>], mut number: usize) -> Vec<Step> {
    let mut steps = vec![];
    while let Some((before, step)) = origins[number] {
        steps.push(step);
        number = before;
    }
    steps.reverse();
    steps
}
