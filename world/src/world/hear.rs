//! What happens to the world when a service hears something.

use std::rc::Rc;

use choreography::service::{Events, Said};
use shared_events::identity;
use shared_events::ids::{OrderId, Sku};

use super::World;
use crate::events::{Event, Record};
use crate::history::History;
use crate::laws::{self, Holds, Law};
use crate::mailbox::Stream;
use crate::parties::Party;

impl World {
    /// Adds a record to the log, and to what those who hear it have still to hear.
    pub(super) fn append(&mut self, record: Rc<Record>) -> Holds {
        self.check_words(&record)?;
        self.history(record.key()).log.push(Rc::clone(&record));
        let name = record.event.name();
        let ordered = self.rules.streams_are_ordered;
        let stream = if ordered { Stream::of(&record) } else { Stream::Alone(record.id) };
        for party in Party::ALL {
            if party.manifest().hearing(name.topic, name.name).is_some() {
                self.mailbox(party).add(stream, Rc::clone(&record));
            }
        }
        self.log.push(record);
        Ok(())
    }

    /// Checks the laws about what is said, before it is in the log.
    fn check_words(&self, record: &Record) -> Holds {
        let nothing = History::default();
        let history = self.histories.get(record.key()).map_or(&nothing, Rc::as_ref);
        laws::in_order(history, record)?;
        match &record.event {
            Event::OrderConfirmed(confirmed) => {
                let known = |sku: &Sku| {
                    let came = self.histories.get(sku.as_str());
                    self.opening.contains_key(sku) || came.is_some_and(|h| h.has("StockReceived"))
                };
                laws::confirmed_by_all(&self.states, known, history, confirmed)
            }
            Event::OrderCancelled(cancelled) => {
                let orders = &self.mailboxes[Party::Orders as usize];
                let known =
                    |id| orders.handled.contains(&id) && !orders.set_aside.contains_key(&id);
                laws::cancelled_for_a_reason(history, cancelled, known)
            }
            _ => Ok(()),
        }
    }

    /// `party` decides about `record`, and says what it decides.
    pub(super) fn hear(&mut self, party: Party, record: &Rc<Record>) -> Holds {
        let before = self.states.clone();
        let first = self.note(party, record);
        let said = self.states.react(&self.rules.decisions, party, record, self.now);
        laws::answered(party, record, first, &said)?;
        if matches!(record.event, Event::OrderPlaced(_)) && !first {
            let unchanged = said == [Said::NOT_THE_FIRST] && before == self.states;
            laws::holds(Law::TheFirstOrderPlacedCounts, record.key(), unchanged, || {
                format!("{} says {said:?}", party.manifest().service)
            })?;
        }
        for (place, said) in (0..).zip(said) {
            let id = identity::of_answer(record.id, party.manifest().service, place);
            match said {
                Said::Now(event) => {
                    self.append(Rc::new(Record::new(id, Some(record.id), Some(party), event)))?;
                }
                Said::After(_, event) => {
                    let timer = Record::new(id, Some(record.id), Some(party), event);
                    self.mailbox(party).set(Rc::new(timer));
                }
                Said::Itself => self.append(Rc::clone(record))?,
                Said::Ignored(_) => {}
            }
        }
        self.check_states(party, record)
    }

    /// Notes that `party` hears `record`. Out: whether it is the first of its kind about its key.
    fn note(&mut self, party: Party, record: &Record) -> bool {
        let history = self.history(record.key());
        let first = history.heard.insert((party, record.name()));
        if first && matches!(record.event, Event::OrderPlaced(_)) {
            history.first_placed.insert(party, record.id);
        }
        first
    }

    fn check_states(&self, party: Party, record: &Record) -> Holds {
        if party == Party::Inventory {
            laws::conserved(&self.states.stock, &self.opening)?;
        }
        let Ok(order) = record.key().parse::<OrderId>() else { return Ok(()) };
        match self.histories.get(record.key()) {
            Some(history) => laws::said_is_done(&self.states, party, &order, history),
            None => Ok(()),
        }
    }
}
