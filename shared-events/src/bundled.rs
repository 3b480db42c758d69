//! The ids of all schemas that are shipped with this project, as data: to tell an event that is not
//! heard here from bytes that are no event.

use std::collections::HashMap;
use std::sync::LazyLock;

/// `schemas/ids.json`: the file of each schema by its id, all versions. Producers in other
/// languages read it, too.
const IDS: &str = include_str!("../../schemas/ids.json");

/// The name of the event that the schema `id` describes, if it is one of ours.
pub fn name(id: u32) -> Option<&'static str> {
    static NAMES: LazyLock<HashMap<u32, &'static str>> = LazyLock::new(|| {
        let files: HashMap<&str, &str> =
            serde_json::from_str(IDS).unwrap_or_else(|error| panic!("schemas/ids.json: {error}"));
        files.into_iter().filter_map(|(id, file)| Some((id.parse().ok()?, event(file)?))).collect()
    });
    NAMES.get(&id).copied()
}

/// `orders/OrderPlaced.avsc`, or `history/orders/OrderPlaced.2.avsc` for another version.
fn event(file: &str) -> Option<&str> {
    file.rsplit('/').next()?.split('.').next()
}
