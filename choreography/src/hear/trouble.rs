//! What keeps records from coming and does not go by itself: a missing right, a missing topic, records
//! that this client cannot read.

use std::collections::HashSet;

use rdkafka::types::RDKafkaErrorCode;

use super::client::Change;
use super::{Assignments, Partition};

/// The client does not say which partition it is about, and may say it once only. So it stands until
/// all partitions that it can be about have given a record, or are no longer ours.
pub(super) struct Trouble {
    text: String,
    /// Without any it is about the group, and stands until that assigns something.
    partitions: HashSet<Partition>,
    of_group: bool,
}

impl Trouble {
    /// `None`: it goes by itself. `reason` is what the client says of it.
    pub(super) fn of(
        code: RDKafkaErrorCode,
        reason: Option<String>,
        assignments: &Assignments,
    ) -> Option<Self> {
        let remedy = remedy(code)?;
        let reason = reason.unwrap_or_else(|| code.to_string());
        let partitions: HashSet<Partition> = assignments.fetched().cloned().collect();
        let of_group = partitions.is_empty();
        Some(Self { text: format!("{reason}; {remedy}"), partitions, of_group })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A record came from there. Out: whether it is over.
    pub(super) fn gave(&mut self, partition: &Partition) -> bool {
        self.partitions.remove(partition) && self.partitions.is_empty()
    }

    /// What is ours has changed. Out: whether it is over.
    pub(super) fn changed(&mut self, change: &Change) -> bool {
        match change {
            Change::Assigned(new) => self.of_group && !new.is_empty(),
            Change::Revoked(lost) => {
                let had = !self.partitions.is_empty();
                lost.iter().for_each(|partition| {
                    self.partitions.remove(partition);
                });
                had && self.partitions.is_empty()
            }
        }
    }
}

fn remedy(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::TopicAuthorizationFailed => Some("give this service the right to read the topic"),
        Code::GroupAuthorizationFailed => Some("give this service the right to read as its group"),
        Code::Authentication | Code::SaslAuthenticationFailed => Some("mend its credentials"),
        Code::UnknownTopic | Code::UnknownTopicOrPartition => {
            Some("create it with `choreo topics create`")
        }
        Code::NotImplemented => Some("this program cannot read how its records are written"),
        Code::BadMessage => Some(
            "records are damaged, on the way or on the broker's disk; they are asked for again",
        ),
        Code::MessageSizeTooLarge => Some("raise -X receive.message.max.bytes"),
        Code::InconsistentGroupProtocol => {
            Some("all members of the group must use cooperative-sticky")
        }
        _ => None,
    }
}
