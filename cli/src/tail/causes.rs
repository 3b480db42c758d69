//! The names of events by their ids, so that an answer tells what it answers.

use std::collections::{HashMap, VecDeque};

use shared_events::headers::Received;

/// So many events are remembered.
const EVENTS_MAX: usize = 10_000;

/// The events that were read last.
#[derive(Default)]
pub(super) struct Causes {
    names: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Causes {
    /// Remembers an event.
    pub(super) fn add(&mut self, received: &Received<'_>) {
        let (Some(id), Some(name)) = (received.id, received.name) else { return };
        if self.names.insert(id.to_owned(), name.to_owned()).is_some() {
            return;
        }
        self.order.push_back(id.to_owned());
        if EVENTS_MAX < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    /// The name of the event with this id, or else the end of the id.
    pub(super) fn name(&self, id: &str) -> String {
        const END: usize = 8;
        let end = || format!("…{}", id.get(id.len().saturating_sub(END)..).unwrap_or(id));
        self.names.get(id).cloned().unwrap_or_else(end)
    }
}
