//! The table of topics.

use std::collections::BTreeMap;

use shared_events::topics::{
    Replicas, TopicSpec, dead_letter_topic, event_topics, group_topics, replay_topic,
    services_topic,
};

fn config(topic: &TopicSpec) -> BTreeMap<&str, &str> {
    let config: BTreeMap<&str, &str> = topic.config.iter().map(|(k, v)| (*k, v.as_str())).collect();
    assert_eq!(config.len(), topic.config.len(), "a setting stands twice in {topic:?}");
    config
}

#[test]
fn events_are_kept_a_week_in_six_partitions_and_stamped_by_the_broker() {
    let topics = event_topics();
    let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!(names, ["orders", "inventory", "logistics", "sellers", "deliveries"]);
    for topic in &topics {
        assert_eq!(topic.partitions, 6);
        let wanted = [
            ("cleanup.policy", "delete"),
            ("max.message.bytes", "1048576"),
            ("message.timestamp.type", "LogAppendTime"),
            ("retention.ms", "604800000"),
        ];
        assert_eq!(config(topic), BTreeMap::from(wanted));
    }
}

#[test]
fn a_group_has_a_dead_letter_and_a_replay_topic_for_each_topic_that_it_hears() {
    let topics = group_topics("seller-svc", &["orders", "deliveries"]);
    let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    let wanted = [
        "orders.seller-svc.dlq",
        "orders.seller-svc.replay",
        "deliveries.seller-svc.dlq",
        "deliveries.seller-svc.replay",
    ];
    assert_eq!(names, wanted);
    assert_eq!(names[0], dead_letter_topic("orders", "seller-svc"));
    assert_eq!(names[1], replay_topic("orders", "seller-svc"));
    for topic in &topics {
        assert_eq!(topic.partitions, 6);
        let wanted = [
            ("cleanup.policy", "delete"),
            ("max.message.bytes", "2097152"),
            ("message.timestamp.type", "LogAppendTime"),
            ("retention.ms", "2592000000"),
        ];
        assert_eq!(config(topic), BTreeMap::from(wanted));
    }
}

#[test]
fn manifests_are_compacted_in_one_partition() {
    let topic = services_topic();
    assert_eq!((topic.name.as_str(), topic.partitions), ("services", 1));
    assert_eq!(config(&topic)["cleanup.policy"], "compact");
}

#[test]
fn in_production_no_acknowledged_record_is_lost_with_one_broker() {
    assert_eq!(Replicas::PRODUCTION, Replicas { factor: 3, min_insync: 2 });
    for topic in event_topics() {
        let topic = topic.replicated(Replicas::PRODUCTION);
        assert_eq!(config(&topic)["min.insync.replicas"], "2");
        assert_eq!(config(&topic)["unclean.leader.election.enable"], "false");
    }
}
