//! The steps that the world can take, and what they do.

mod hear;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use shared_events::amounts::Timestamp;
use shared_events::ids::{EventId, Sku};

use crate::events::Record;
use crate::history::History;
use crate::laws::{self, Holds};
use crate::mailbox::{Mailbox, Stream};
use crate::parties::{Decisions, Party, States};

/// What the world and those in it go by.
#[derive(Clone, Copy)]
pub struct Rules {
    /// How the services decide.
    pub decisions: Decisions,
    /// Whether a copy of what was heard is dropped.
    pub repeats_are_dropped: bool,
    /// Whether a timer that is due waits for what is in the log.
    pub timers_wait: bool,
    /// Whether what one service says about one order is heard in its order. The broker keeps it;
    /// that the laws hold without it shows that no decision rests on it.
    pub streams_are_ordered: bool,
}

impl Rules {
    /// As it really is.
    pub fn real() -> Self {
        Self {
            decisions: Decisions::real(),
            repeats_are_dropped: true,
            timers_wait: true,
            streams_are_ordered: true,
        }
    }
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event comes from outside.
    Append(EventId),
    /// A service hears the next record of a stream.
    Hear(Party, Stream),
    /// A service cannot handle the next record of a stream, and sets it aside.
    SetAside(Party, Stream),
    /// A dead letter is replayed.
    Replay(Party, EventId),
    /// A timer fires.
    Fire(Party, EventId),
    /// A timer fires, and its service cannot handle it.
    SetTimerAside(Party, EventId),
    /// A copy of the n-th record of the log comes to a service that has handled it.
    Repeat(Party, usize),
}

/// The services, what they have still to hear, and what has happened.
#[derive(Clone)]
pub struct World {
    rules: Rules,
    /// What the services know.
    pub states: States,
    /// The pieces of each SKU that there were at the beginning.
    opening: Rc<BTreeMap<Sku, i64>>,
    mailboxes: [Rc<Mailbox>; 4],
    /// What is still to come from outside.
    coming: BTreeMap<EventId, Rc<Record>>,
    /// All that was said.
    pub log: Vec<Rc<Record>>,
    /// The past of each order, and of each SKU.
    pub histories: BTreeMap<String, Rc<History>>,
    /// How many events may still be set aside.
    pub dead_letters: u32,
    /// What time it is.
    pub now: Timestamp,
}

impl World {
    /// A world in which nothing has been heard. `coming` comes from outside, at any time, but the
    /// `first` of it are in the log already.
    ///
    /// # Panics
    /// What comes from outside breaks a law.
    pub fn new(
        rules: Rules,
        states: States,
        coming: Vec<Record>,
        first: usize,
        dead_letters: u32,
    ) -> Self {
        let in_log: Vec<_> = coming.iter().take(first).map(|record| record.id).collect();
        let opening = states.stock.skus.iter().map(|(sku, pieces)| (sku.clone(), pieces.initial));
        let mut world = Self {
            rules,
            opening: Rc::new(opening.collect()),
            states,
            mailboxes: Default::default(),
            coming: coming.into_iter().map(|record| (record.id, Rc::new(record))).collect(),
            log: vec![],
            histories: BTreeMap::new(),
            dead_letters,
            now: Timestamp(1_700_000_000_000),
        };
        for id in in_log {
            world.take(Step::Append(id)).expect("no law is about what comes from outside");
        }
        world
    }

    /// The record that a step is about.
    ///
    /// # Panics
    /// The step cannot be taken.
    pub fn record(&self, step: Step) -> Rc<Record> {
        let there = "a step names what is there";
        let mailbox = |party: Party| &self.mailboxes[party as usize];
        Rc::clone(match step {
            Step::Append(id) => &self.coming[&id],
            Step::Hear(party, stream) | Step::SetAside(party, stream) => {
                mailbox(party).streams[&stream].front().expect(there)
            }
            Step::Replay(party, id) => &mailbox(party).set_aside[&id],
            Step::Fire(party, id) | Step::SetTimerAside(party, id) => {
                &mailbox(party).timers[&id].record
            }
            Step::Repeat(_, place) => &self.log[place],
        })
    }

    /// All that can happen next. Copies are left out: they can always come, and change nothing.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<_> = self.coming.keys().copied().map(Step::Append).collect();
        for party in Party::ALL {
            let mailbox = &self.mailboxes[party as usize];
            for &stream in mailbox.streams.keys() {
                steps.push(Step::Hear(party, stream));
                if 0 < self.dead_letters {
                    steps.push(Step::SetAside(party, stream));
                }
            }
            steps.extend(mailbox.set_aside.keys().map(|&id| Step::Replay(party, id)));
            for (&id, timer) in &mailbox.timers {
                if timer.awaits.is_empty() || !self.rules.timers_wait {
                    steps.push(Step::Fire(party, id));
                    if 0 < self.dead_letters {
                        steps.push(Step::SetTimerAside(party, id));
                    }
                }
            }
        }
        steps
    }

    /// Takes a step that is one of [`World::steps`], or a repeat.
    ///
    /// # Errors
    /// The law that it breaks.
    pub fn take(&mut self, step: Step) -> Holds {
        match step {
            Step::Append(id) => {
                let record = self.coming.remove(&id).expect("a step names what is still to come");
                self.append(record)
            }
            Step::Hear(party, stream) => {
                let record = self.mailbox(party).take(stream);
                self.hear(party, &record)
            }
            Step::SetAside(party, stream) => {
                let mailbox = self.mailbox(party);
                let record = mailbox.take(stream);
                mailbox.set_aside.insert(record.id, record);
                self.dead_letters -= 1;
                Ok(())
            }
            Step::Replay(party, id) => {
                let record = self.mailbox(party).set_aside.remove(&id);
                self.hear(party, &record.expect("a step names a dead letter that is there"))
            }
            Step::Fire(party, id) => {
                let record = self.take_timer(party, id);
                self.hear(party, &record)
            }
            Step::SetTimerAside(party, id) => {
                let record = self.take_timer(party, id);
                self.mailbox(party).set_aside.insert(id, record);
                self.dead_letters -= 1;
                Ok(())
            }
            Step::Repeat(party, place) => {
                let record = Rc::clone(&self.log[place]);
                let is_new = !self.mailboxes[party as usize].handled.contains(&record.id);
                if is_new || self.rules.repeats_are_dropped {
                    return Ok(());
                }
                self.hear(party, &record)
            }
        }
    }

    /// Checks what must hold when nothing is left to happen.
    ///
    /// # Errors
    /// The law that is broken.
    pub fn check_end(&self) -> Holds {
        self.histories.iter().try_for_each(|(key, history)| {
            laws::all_received(&self.states.stock, key, history)?;
            laws::all_ended(key, history)
        })
    }

    /// A hash of all that the future depends on. Time is left out: no decision depends on it.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.states.fingerprint(&mut hasher);
        for mailbox in &self.mailboxes {
            mailbox.fingerprint(&mut hasher);
            hasher.write_u8(0xff);
        }
        for id in self.coming.keys() {
            id.hash(&mut hasher);
        }
        for history in self.histories.values() {
            history.fingerprint(&mut hasher);
        }
        self.dead_letters.hash(&mut hasher);
        hasher.finish()
    }

    fn mailbox(&mut self, party: Party) -> &mut Mailbox {
        Rc::make_mut(&mut self.mailboxes[party as usize])
    }

    fn history(&mut self, key: &str) -> &mut History {
        if !self.histories.contains_key(key) {
            self.histories.insert(key.to_owned(), Rc::default());
        }
        let history = self.histories.get_mut(key).expect("it was inserted if it was not there");
        Rc::make_mut(history)
    }

    fn take_timer(&mut self, party: Party, id: EventId) -> Rc<Record> {
        let timer = self.mailbox(party).timers.remove(&id);
        let timer = timer.expect("a step names a timer that is there");
        if party == Party::Orders {
            self.history(timer.record.key()).overlooked = timer.awaits;
        }
        timer.record
    }
}
