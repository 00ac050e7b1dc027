//! The lines printed for statuses.

use std::fmt::Display;

use dds_core::{
    listener::{DomainParticipantListener, EndpointInfo, PublisherListener, SubscriberListener, TopicInfo},
    qos::PolicyId,
    status::{
        InconsistentTopicStatus, LivelinessChangedStatus, LivelinessLostStatus, OfferedDeadlineMissedStatus,
        OfferedIncompatibleQosStatus, PublicationMatchedStatus, RequestedDeadlineMissedStatus,
        RequestedIncompatibleQosStatus, SubscriptionMatchedStatus,
    },
};

use super::say;

/// Prints a line for every status of a participant's entities.
pub(super) struct StatusPrinter;

fn tell(callback: &str, topic_name: &str, type_name: &str, what: impl Display) {
    say(format!("{callback}() topic: '{topic_name}'  type: '{type_name}' : {what}"));
}

fn policy(last: Option<PolicyId>) -> String {
    last.map_or("none".into(), |policy| format!("{} ({policy})", policy.as_i32()))
}

/// A callback for an endpoint: `name(Status) => what it prints;`.
macro_rules! printed {
    ($($callback:ident($status:ident: $Status:ident) => $what:expr;)+) => {
        $(fn $callback(&self, endpoint: &EndpointInfo, $status: $Status) {
            tell(stringify!($callback), &endpoint.topic_name, &endpoint.type_name, $what);
        })+
    };
}

impl PublisherListener for StatusPrinter {
    printed! {
        on_publication_matched(status: PublicationMatchedStatus) =>
            format!("matched readers {} (change = {})", status.current_count, status.current_count_change);
        on_offered_incompatible_qos(status: OfferedIncompatibleQosStatus) => policy(status.last_policy_id);
        on_offered_deadline_missed(status: OfferedDeadlineMissedStatus) =>
            format!("(total = {}, change = {})", status.total_count, status.total_count_change);
        on_liveliness_lost(status: LivelinessLostStatus) =>
            format!("(total = {}, change = {})", status.total_count, status.total_count_change);
    }
}

impl SubscriberListener for StatusPrinter {
    printed! {
        on_subscription_matched(status: SubscriptionMatchedStatus) =>
            format!("matched writers {} (change = {})", status.current_count, status.current_count_change);
        on_requested_incompatible_qos(status: RequestedIncompatibleQosStatus) => policy(status.last_policy_id);
        on_requested_deadline_missed(status: RequestedDeadlineMissedStatus) =>
            format!("(total = {}, change = {})", status.total_count, status.total_count_change);
        on_liveliness_changed(status: LivelinessChangedStatus) =>
            format!("(alive = {}, not_alive = {})", status.alive_count, status.not_alive_count);
    }
}

impl DomainParticipantListener for StatusPrinter {
    fn on_inconsistent_topic(&self, topic: &TopicInfo, status: InconsistentTopicStatus) {
        let what = format!("(total = {}, change = {})", status.total_count, status.total_count_change);
        tell("on_inconsistent_topic", &topic.name, &topic.type_name, what);
    }
}
