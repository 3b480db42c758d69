//! What is done between batches.

use super::harness::{World, wait};
use super::records::order;

#[test]
fn figures_are_told_and_old_ids_are_pruned_those_of_dead_letters_later() {
    let world = World::new();
    world.migrate();
    world.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7000)
         INSERT INTO handled SELECT randomblob(16), i, 0 FROM n",
    );
    // Twenty days old and fifty: what is or was dead is kept for thirty more.
    world.execute(
        "INSERT INTO handled SELECT randomblob(16),
            CAST(unixepoch('subsec') * 1000 AS INTEGER) - days * 86400000, dead
         FROM (SELECT 20 AS days UNION SELECT 50) JOIN
              (SELECT 0 AS dead UNION SELECT 1 UNION SELECT 2)",
    );
    let instance = world.start(&["--handled-window", "15d"]);
    world.place(&order("o-1", "EUR"));
    world.place(&order("o-2", "ALARM"));
    wait("figures", || {
        let (_, text) = world.page(&instance, "/metrics");
        let has = |name: &str| text.lines().any(|line| line.starts_with(name));
        let names = ["choreography_lag", "choreography_owed", "choreography_timers_waiting"];
        names.into_iter().all(has).then_some(())
    });
    // Two dead ones, the orders and the timer.
    wait("pruning", || (world.number("SELECT COUNT(*) FROM handled") == 5).then_some(()));
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead <> 0"), 2);
    assert_eq!(world.page(&instance, "/readyz").0, 200);
    world.stop(instance);
}
