//! What `choreo flow` tells, as a program reads it.

use std::process::Command;

use serde_json::Value;
use tests::binaries::choreo_path;
use tests::wait;
use tests::world::World;

use crate::LIMIT;

/// What the command tells about an order, and its exit code.
pub(crate) fn flow(world: &World, order: &str) -> (Value, i32) {
    let told = Command::new(choreo_path())
        .args(["flow", order, "-b", world.kafka.brokers(), "-o", "json"])
        .output()
        .expect("choreo");
    let errors = String::from_utf8_lossy(&told.stderr);
    let json = serde_json::from_slice(&told.stdout).unwrap_or_else(|e| panic!("{e}: {errors}"));
    (json, told.status.code().expect("an exit code"))
}

/// The state of the first event of this name for a group.
pub(crate) fn state(flow: &Value, event: &str, group: &str) -> String {
    let events = flow["events"].as_array().expect("events");
    let Some(event) = events.iter().find(|e| e["name"] == event) else { return "not said".into() };
    let heard_by = event["heard_by"].as_array().expect("groups");
    let hearing = heard_by.iter().find(|hearing| hearing["group"] == group);
    hearing.map_or("nothing", |hearing| hearing["state"].as_str().expect("a state")).to_owned()
}

/// Waits until the first event of this name is in this state for a group.
pub(crate) fn wait_for(
    world: &World,
    order: &str,
    event: &str,
    group: &str,
    expected: &str,
) -> (Value, i32) {
    let mut last = None;
    wait::until(&format!("{event} is {expected} for {group}"), LIMIT, || {
        let (told, code) = flow(world, order);
        let is = state(&told, event, group);
        last = Some((told, code));
        if is == expected { Ok(()) } else { Err(is) }
    });
    last.expect("a flow")
}
