//! What happened, in words.

use std::fmt;

use crate::laws::Broken;
use crate::world::{Step, World};

/// A law that does not hold, and how it came to that.
#[derive(Debug)]
pub struct Failure {
    /// The law.
    pub broken: Broken,
    /// What happened before, a line for each step.
    pub story: String,
}

impl Failure {
    /// Tells what `steps` do in a world that begins as `start`, the last of which breaks a law.
    /// Only what concerns the order or SKU that it is broken for is told.
    pub fn new(broken: Broken, start: &World, steps: &[Step]) -> Self {
        let mut world = start.clone();
        let told = steps.iter().filter_map(|&step| tell(&mut world, step, &broken.about));
        let story = told.collect::<Vec<_>>().join("\n");
        Self { broken, story }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nThe story:\n{}", self.broken, self.story)
    }
}

/// Takes a step. Out: what it was, if it concerns `about`: its event names that id.
fn tell(world: &mut World, step: Step, about: &str) -> Option<String> {
    let record = world.record(step);
    let said = world.log.len();
    let broken = world.take(step).err();
    let what = format!("{} {}", record.name(), record.key());
    let service = |party: crate::parties::Party| party.manifest().service;
    let mut line = match step {
        Step::Append(_) => format!("{what} comes from outside"),
        Step::Hear(party, _) => format!("{} hears {what}", service(party)),
        Step::SetAside(party, _) => format!("{} sets {what} aside", service(party)),
        Step::Replay(party, _) => format!("{} hears {what}, which was set aside", service(party)),
        Step::Fire(party, _) => format!("the timer {what} of {} fires", service(party)),
        Step::SetTimerAside(party, _) => format!("{} sets its timer {what} aside", service(party)),
        Step::Repeat(party, _) => format!("a copy of {what} comes to {}", service(party)),
    };
    for answer in &world.log[said..] {
        if answer.id != record.id || !matches!(step, Step::Append(_)) {
            line += &format!(", says {}", answer.name());
        }
    }
    if let Some(broken) = broken {
        line += &format!(": {broken}");
    }
    format!("{:?}", record.event).contains(&format!("{about:?}")).then_some(line)
}
