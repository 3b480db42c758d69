//! How the tests run a model: all of it, or a mutant of it until it fails.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, HasDiscoveries, Model};

/// Threads of one exploration.
const THREADS: usize = 2;

/// Explores every state of `model` and answers how many there are.
///
/// # Panics
/// When a property does not hold, with the steps that lead there; when the states that a
/// `sometimes` property asks for are not reached; when the exploration ends early.
pub fn explore<M>(model: M) -> usize
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    let checker = model.checker().threads(THREADS).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done(), "the exploration ended early");
    checker.unique_state_count()
}

/// Explores `mutant` until `property` fails and answers the steps that lead there.
///
/// # Panics
/// When the property holds in every state: the model does not see the fault.
pub fn refute<M>(mutant: M, property: &'static str) -> Vec<M::Action>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    let enough = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = mutant.checker().threads(THREADS).finish_when(enough).spawn_bfs().join();
    checker.assert_any_discovery(property).into_actions()
}
