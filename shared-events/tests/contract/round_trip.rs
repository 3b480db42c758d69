//! What was encoded is what is decoded, for any event.

use proptest::prelude::TestCaseError;
use proptest::test_runner::TestRunner;
use shared_events::codec::{decode, encode, writer_id};

use crate::events::Sample;

#[test]
fn every_event_comes_back_as_it_was() {
    for_each_event!(check);
}

fn check<E: Sample>() {
    let run = TestRunner::default().run(&E::any(), |event| {
        let value = encode(&event).map_err(|e| TestCaseError::fail(e.to_string()))?;
        assert_eq!(writer_id(&value), Ok(E::schemas().newest_id()));
        assert_eq!(decode::<E>(&value), Ok(event));
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{}: {e}", E::NAME));
}
