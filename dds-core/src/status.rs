//! Communication statuses (DDS 1.4 §2.2.4.1): what happened to an entity since the user last looked.
//!
//! Each kind of entity has one holder, [`ReaderStatuses`], [`WriterStatuses`], [`TopicStatuses`],
//! [`SubscriberStatuses`] or [`ParticipantStatuses`], guarded by the entity's own lock. Recording an
//! event sets the status's changed flag; a `take_*` call returns the status, zeroes its `*_change`
//! members and clears the flag, as both the status operation and the call of a listener do
//! (DDS 1.4 §2.2.4.2.1). [`StatusCondition`](crate::condition::StatusCondition) mirrors the flags.

use std::{
    fmt,
    ops::{BitAnd, BitOr, BitOrAssign, Not},
};

use dds_qos::PolicyId;

use crate::instance::InstanceHandle;

macro_rules! status_mask {
    ($($(#[$doc:meta])* $NAME:ident = $bit:literal,)+) => {
        /// A set of statuses (DDS 1.4 §2.3.3 `StatusMask`, with the standard's bits).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct StatusMask(u32);

        impl StatusMask {
            $($(#[$doc])* pub const $NAME: Self = Self(1 << $bit);)+
            /// No status.
            pub const NONE: Self = Self(0);
            /// Every status.
            pub const ALL: Self = Self($(1 << $bit |)+ 0);
            const NAMES: &'static [(Self, &'static str)] = &[$((Self::$NAME, stringify!($NAME))),+];
        }
    };
}

status_mask! {
    /// Another topic of the same name has a different type.
    INCONSISTENT_TOPIC = 0,
    /// A writer did not write an instance in time.
    OFFERED_DEADLINE_MISSED = 1,
    /// A reader did not get an instance in time.
    REQUESTED_DEADLINE_MISSED = 2,
    /// A writer met a reader that asks for more than it offers.
    OFFERED_INCOMPATIBLE_QOS = 5,
    /// A reader met a writer that offers less than it asks for.
    REQUESTED_INCOMPATIBLE_QOS = 6,
    /// A sample never arrived.
    SAMPLE_LOST = 7,
    /// A sample found no room.
    SAMPLE_REJECTED = 8,
    /// Some reader of the subscriber has new data.
    DATA_ON_READERS = 9,
    /// The reader has new data.
    DATA_AVAILABLE = 10,
    /// A writer did not show in time that it is alive.
    LIVELINESS_LOST = 11,
    /// A writer came to life or stopped.
    LIVELINESS_CHANGED = 12,
    /// A writer found a reader, or lost one.
    PUBLICATION_MATCHED = 13,
    /// A reader found a writer, or lost one.
    SUBSCRIPTION_MATCHED = 14,
}

impl StatusMask {
    /// Whether all of `other` is in the set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether some of `other` is in the set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The bits of the standard's `StatusMask`.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Of the standard's bits; unknown ones are dropped.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl BitOr for StatusMask {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for StatusMask {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for StatusMask {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for StatusMask {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }
}

impl fmt::Debug for StatusMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(status, _)| self.contains(*status)).map(|(_, name)| name);
        f.debug_set().entries(names).finish()
    }
}

/// `INCONSISTENT_TOPIC` (DDS 1.4 §2.2.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InconsistentTopicStatus {
    /// Topics met so far that have the same name and another type.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
}

/// `SAMPLE_LOST`: samples that never arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SampleLostStatus {
    /// Samples lost so far, over all instances.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
}

/// Which limit a sample ran into (DDS 1.4 §2.2.4.1 `SampleRejectedStatusKind`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SampleRejectedReason {
    /// `NOT_REJECTED`: none has been rejected so far.
    #[default]
    NotRejected,
    /// `REJECTED_BY_INSTANCES_LIMIT`: `max_instances`.
    InstancesLimit,
    /// `REJECTED_BY_SAMPLES_LIMIT`: `max_samples`.
    SamplesLimit,
    /// `REJECTED_BY_SAMPLES_PER_INSTANCE_LIMIT`: `max_samples_per_instance`.
    SamplesPerInstanceLimit,
}

/// `SAMPLE_REJECTED`: samples that found no room. A reliable one is asked for again when there is room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SampleRejectedStatus {
    /// Rejections so far.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
    /// Why the last one was rejected.
    pub last_reason: SampleRejectedReason,
    /// The instance of the last one; nil when it never got a handle.
    pub last_instance_handle: InstanceHandle,
}

/// `LIVELINESS_LOST`: how often this writer failed to show its liveliness in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LivelinessLostStatus {
    /// How often the writer went from alive to not alive so far.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
}

/// `LIVELINESS_CHANGED`: matched writers that came to life or stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LivelinessChangedStatus {
    /// Matched writers that are alive.
    pub alive_count: u32,
    /// Matched writers that are not.
    pub not_alive_count: u32,
    /// How `alive_count` changed since the status was last taken.
    pub alive_count_change: i32,
    /// How `not_alive_count` changed since the status was last taken.
    pub not_alive_count_change: i32,
    /// The writer that changed last.
    pub last_publication_handle: InstanceHandle,
}

/// `OFFERED_DEADLINE_MISSED` (DDS 1.4 §2.2.3.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OfferedDeadlineMissedStatus {
    /// Deadlines this writer has missed so far, over all instances.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
    /// The instance of the last one.
    pub last_instance_handle: InstanceHandle,
}

/// `REQUESTED_DEADLINE_MISSED` (DDS 1.4 §2.2.3.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestedDeadlineMissedStatus {
    /// Deadlines missed so far, over all instances of this reader.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
    /// The instance of the last one.
    pub last_instance_handle: InstanceHandle,
}

/// How often a policy was found to be incompatible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QosPolicyCount {
    /// The policy.
    pub policy_id: PolicyId,
    /// Peers met so far whose policy did not fit.
    pub count: u32,
}

/// Peers whose QoS did not fit; common to both directions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IncompatibleQosStatus {
    /// Peers met so far whose QoS did not fit.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
    /// A policy that did not fit the last time; `None` when all have fitted so far.
    pub last_policy_id: Option<PolicyId>,
    /// For each policy that ever did not fit, how often.
    pub policies: Vec<QosPolicyCount>,
}

/// `OFFERED_INCOMPATIBLE_QOS`: readers that ask for more than this writer offers.
pub type OfferedIncompatibleQosStatus = IncompatibleQosStatus;

/// `REQUESTED_INCOMPATIBLE_QOS`: writers that offer less than this reader asks for.
pub type RequestedIncompatibleQosStatus = IncompatibleQosStatus;

impl IncompatibleQosStatus {
    fn record(&mut self, policies: impl IntoIterator<Item = PolicyId>) {
        self.total_count = self.total_count.saturating_add(1);
        self.total_count_change = self.total_count_change.saturating_add(1);
        for policy_id in policies {
            self.last_policy_id = Some(policy_id);
            match self.policies.iter_mut().find(|counted| counted.policy_id == policy_id) {
                Some(counted) => counted.count = counted.count.saturating_add(1),
                None => self.policies.push(QosPolicyCount { policy_id, count: 1 }),
            }
        }
    }
}

/// `PUBLICATION_MATCHED`: readers found and lost by a writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PublicationMatchedStatus {
    /// Matches so far.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
    /// Readers matched at present.
    pub current_count: u32,
    /// How `current_count` changed since the status was last taken.
    pub current_count_change: i32,
    /// The reader that came or went last.
    pub last_subscription_handle: InstanceHandle,
}

/// `SUBSCRIPTION_MATCHED`: writers found and lost by a reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SubscriptionMatchedStatus {
    /// Matches so far.
    pub total_count: u32,
    /// The part of `total_count` since the status was last taken.
    pub total_count_change: u32,
    /// Writers matched at present.
    pub current_count: u32,
    /// How `current_count` changed since the status was last taken.
    pub current_count_change: i32,
    /// The writer that came or went last.
    pub last_publication_handle: InstanceHandle,
}

/// A status whose taking zeroes its changes.
trait Resets: Clone {
    fn reset_changes(&mut self);
}

macro_rules! resets {
    ($($Status:ident: $($change:ident),+;)+) => {
        $(impl Resets for $Status {
            fn reset_changes(&mut self) {
                $(self.$change = 0;)+
            }
        })+
    };
}

resets! {
    InconsistentTopicStatus: total_count_change;
    SampleLostStatus: total_count_change;
    SampleRejectedStatus: total_count_change;
    LivelinessLostStatus: total_count_change;
    LivelinessChangedStatus: alive_count_change, not_alive_count_change;
    OfferedDeadlineMissedStatus: total_count_change;
    RequestedDeadlineMissedStatus: total_count_change;
    IncompatibleQosStatus: total_count_change;
    PublicationMatchedStatus: total_count_change, current_count_change;
    SubscriptionMatchedStatus: total_count_change, current_count_change;
}

/// A holder: `doc* Name { (field: Status = FLAG, take_name;)* }`.
macro_rules! holder {
    ($(#[$doc:meta])* $Holder:ident { $($field:ident: $Status:ident = $FLAG:ident, $take:ident;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $Holder {
            changed: StatusMask,
            $($field: $Status,)*
        }

        impl $Holder {
            /// The statuses that changed and were not taken since (DDS 1.4 §2.2.2.1.1
            /// `get_status_changes`).
            pub fn changed(&self) -> StatusMask {
                self.changed
            }

            $(
                #[doc = concat!("[`", stringify!($Status), "`] as it is; neither its changes nor its flag are reset.")]
                pub fn $field(&self) -> &$Status {
                    &self.$field
                }

                #[doc = concat!("[`", stringify!($Status), "`], whose changes and flag are reset.")]
                pub fn $take(&mut self) -> $Status {
                    let taken = self.$field.clone();
                    self.$field.reset_changes();
                    self.changed = self.changed & !StatusMask::$FLAG;
                    taken
                }
            )*
        }
    };
}

holder! {
    /// The statuses of a DataReader.
    ReaderStatuses {
        sample_lost: SampleLostStatus = SAMPLE_LOST, take_sample_lost;
        sample_rejected: SampleRejectedStatus = SAMPLE_REJECTED, take_sample_rejected;
        liveliness_changed: LivelinessChangedStatus = LIVELINESS_CHANGED, take_liveliness_changed;
        requested_deadline_missed: RequestedDeadlineMissedStatus = REQUESTED_DEADLINE_MISSED,
            take_requested_deadline_missed;
        requested_incompatible_qos: RequestedIncompatibleQosStatus = REQUESTED_INCOMPATIBLE_QOS,
            take_requested_incompatible_qos;
        subscription_matched: SubscriptionMatchedStatus = SUBSCRIPTION_MATCHED, take_subscription_matched;
    }
}

holder! {
    /// The statuses of a DataWriter.
    WriterStatuses {
        liveliness_lost: LivelinessLostStatus = LIVELINESS_LOST, take_liveliness_lost;
        offered_deadline_missed: OfferedDeadlineMissedStatus = OFFERED_DEADLINE_MISSED,
            take_offered_deadline_missed;
        offered_incompatible_qos: OfferedIncompatibleQosStatus = OFFERED_INCOMPATIBLE_QOS,
            take_offered_incompatible_qos;
        publication_matched: PublicationMatchedStatus = PUBLICATION_MATCHED, take_publication_matched;
    }
}

holder! {
    /// The statuses of a Topic.
    TopicStatuses {
        inconsistent_topic: InconsistentTopicStatus = INCONSISTENT_TOPIC, take_inconsistent_topic;
    }
}

holder! {
    /// The status of a Subscriber: DATA_ON_READERS.
    SubscriberStatuses {}
}

holder! {
    /// The statuses of a DomainParticipant. It has none of its own in DDS 1.4.
    ParticipantStatuses {}
}

/// What became of a matched writer's liveliness, as LIVELINESS_CHANGED counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LivelinessTransition {
    /// A writer was matched, or one that was not alive came back.
    BecameAlive {
        /// Whether it was counted as not alive before.
        returned: bool,
    },
    /// A writer that was alive did not renew its lease.
    BecameNotAlive,
    /// A matched writer went away.
    Unmatched {
        /// Whether it was alive until then.
        was_alive: bool,
    },
}

impl ReaderStatuses {
    /// New samples came in (DATA_AVAILABLE).
    pub fn set_data_available(&mut self) {
        self.changed |= StatusMask::DATA_AVAILABLE;
    }

    /// The samples were read, or a listener was told of them (DDS 1.4 §2.2.4.2.2).
    pub fn clear_data_available(&mut self) {
        self.changed = self.changed & !StatusMask::DATA_AVAILABLE;
    }

    /// `count` samples will never arrive.
    pub fn record_sample_lost(&mut self, count: u32) {
        self.sample_lost.total_count = self.sample_lost.total_count.saturating_add(count);
        self.sample_lost.total_count_change = self.sample_lost.total_count_change.saturating_add(count);
        self.changed |= StatusMask::SAMPLE_LOST;
    }

    /// A sample found no room.
    pub fn record_sample_rejected(&mut self, reason: SampleRejectedReason, instance: InstanceHandle) {
        let status = &mut self.sample_rejected;
        status.total_count = status.total_count.saturating_add(1);
        status.total_count_change = status.total_count_change.saturating_add(1);
        status.last_reason = reason;
        status.last_instance_handle = instance;
        self.changed |= StatusMask::SAMPLE_REJECTED;
    }

    /// A matched writer's liveliness changed.
    pub fn record_liveliness(&mut self, transition: LivelinessTransition, writer: InstanceHandle) {
        let status = &mut self.liveliness_changed;
        let (alive, not_alive) = match transition {
            LivelinessTransition::BecameAlive { returned: false } => (1, 0),
            LivelinessTransition::BecameAlive { returned: true } => (1, -1),
            LivelinessTransition::BecameNotAlive => (-1, 1),
            LivelinessTransition::Unmatched { was_alive: true } => (-1, 0),
            LivelinessTransition::Unmatched { was_alive: false } => (0, -1),
        };
        status.alive_count = status.alive_count.saturating_add_signed(alive);
        status.alive_count_change = status.alive_count_change.saturating_add(alive);
        status.not_alive_count = status.not_alive_count.saturating_add_signed(not_alive);
        status.not_alive_count_change = status.not_alive_count_change.saturating_add(not_alive);
        status.last_publication_handle = writer;
        self.changed |= StatusMask::LIVELINESS_CHANGED;
    }

    /// An instance missed `count` deadlines.
    pub fn record_deadline_missed(&mut self, instance: InstanceHandle, count: u32) {
        let status = &mut self.requested_deadline_missed;
        status.total_count = status.total_count.saturating_add(count);
        status.total_count_change = status.total_count_change.saturating_add(count);
        status.last_instance_handle = instance;
        self.changed |= StatusMask::REQUESTED_DEADLINE_MISSED;
    }

    /// A writer's QoS did not fit in these policies.
    pub fn record_incompatible_qos(&mut self, policies: impl IntoIterator<Item = PolicyId>) {
        self.requested_incompatible_qos.record(policies);
        self.changed |= StatusMask::REQUESTED_INCOMPATIBLE_QOS;
    }

    /// A writer was matched.
    pub fn record_matched(&mut self, writer: InstanceHandle) {
        let status = &mut self.subscription_matched;
        status.total_count = status.total_count.saturating_add(1);
        status.total_count_change = status.total_count_change.saturating_add(1);
        status.current_count = status.current_count.saturating_add(1);
        status.current_count_change = status.current_count_change.saturating_add(1);
        status.last_publication_handle = writer;
        self.changed |= StatusMask::SUBSCRIPTION_MATCHED;
    }

    /// A matched writer went away, or no longer fits.
    pub fn record_unmatched(&mut self, writer: InstanceHandle) {
        let status = &mut self.subscription_matched;
        status.current_count = status.current_count.saturating_sub(1);
        status.current_count_change = status.current_count_change.saturating_sub(1);
        status.last_publication_handle = writer;
        self.changed |= StatusMask::SUBSCRIPTION_MATCHED;
    }
}

impl WriterStatuses {
    /// The writer did not show its liveliness in time.
    pub fn record_liveliness_lost(&mut self) {
        self.liveliness_lost.total_count = self.liveliness_lost.total_count.saturating_add(1);
        self.liveliness_lost.total_count_change = self.liveliness_lost.total_count_change.saturating_add(1);
        self.changed |= StatusMask::LIVELINESS_LOST;
    }

    /// An instance missed `count` deadlines.
    pub fn record_deadline_missed(&mut self, instance: InstanceHandle, count: u32) {
        let status = &mut self.offered_deadline_missed;
        status.total_count = status.total_count.saturating_add(count);
        status.total_count_change = status.total_count_change.saturating_add(count);
        status.last_instance_handle = instance;
        self.changed |= StatusMask::OFFERED_DEADLINE_MISSED;
    }

    /// A reader's QoS did not fit in these policies.
    pub fn record_incompatible_qos(&mut self, policies: impl IntoIterator<Item = PolicyId>) {
        self.offered_incompatible_qos.record(policies);
        self.changed |= StatusMask::OFFERED_INCOMPATIBLE_QOS;
    }

    /// A reader was matched.
    pub fn record_matched(&mut self, reader: InstanceHandle) {
        let status = &mut self.publication_matched;
        status.total_count = status.total_count.saturating_add(1);
        status.total_count_change = status.total_count_change.saturating_add(1);
        status.current_count = status.current_count.saturating_add(1);
        status.current_count_change = status.current_count_change.saturating_add(1);
        status.last_subscription_handle = reader;
        self.changed |= StatusMask::PUBLICATION_MATCHED;
    }

    /// A matched reader went away, or no longer fits.
    pub fn record_unmatched(&mut self, reader: InstanceHandle) {
        let status = &mut self.publication_matched;
        status.current_count = status.current_count.saturating_sub(1);
        status.current_count_change = status.current_count_change.saturating_sub(1);
        status.last_subscription_handle = reader;
        self.changed |= StatusMask::PUBLICATION_MATCHED;
    }
}

impl TopicStatuses {
    /// A topic of the same name and another type was met.
    pub fn record_inconsistent_topic(&mut self) {
        let status = &mut self.inconsistent_topic;
        status.total_count = status.total_count.saturating_add(1);
        status.total_count_change = status.total_count_change.saturating_add(1);
        self.changed |= StatusMask::INCONSISTENT_TOPIC;
    }
}

impl SubscriberStatuses {
    /// A reader of the subscriber got new samples.
    pub fn set_data_on_readers(&mut self) {
        self.changed |= StatusMask::DATA_ON_READERS;
    }

    /// Samples were read from one of the readers, or a listener was told (DDS 1.4 §2.2.4.2.2).
    pub fn clear_data_on_readers(&mut self) {
        self.changed = self.changed & !StatusMask::DATA_ON_READERS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITER: InstanceHandle = InstanceHandle::from_raw(7);

    /// DDS 1.4 §2.2.4.2.1: reading a plain status resets its changed flag and its changes.
    #[test]
    fn taking_resets_changes_and_flag_but_not_totals() {
        let mut statuses = ReaderStatuses::default();
        statuses.record_matched(WRITER);
        statuses.record_unmatched(WRITER);
        statuses.record_matched(WRITER);
        assert_eq!(statuses.changed(), StatusMask::SUBSCRIPTION_MATCHED);
        let taken = statuses.take_subscription_matched();
        assert_eq!((taken.total_count, taken.total_count_change), (2, 2));
        assert_eq!((taken.current_count, taken.current_count_change), (1, 1));
        assert_eq!(taken.last_publication_handle, WRITER);
        assert!(statuses.changed().is_empty());
        statuses.record_unmatched(WRITER);
        let taken = statuses.take_subscription_matched();
        assert_eq!((taken.total_count, taken.total_count_change), (2, 0));
        assert_eq!((taken.current_count, taken.current_count_change), (0, -1));
    }

    /// DDS 1.4 §2.2.4.1 LIVELINESS_CHANGED.
    #[test]
    fn liveliness_counts_follow_the_writers() {
        let mut statuses = ReaderStatuses::default();
        statuses.record_liveliness(LivelinessTransition::BecameAlive { returned: false }, WRITER);
        statuses.record_liveliness(LivelinessTransition::BecameNotAlive, WRITER);
        let taken = statuses.take_liveliness_changed();
        assert_eq!((taken.alive_count, taken.not_alive_count), (0, 1));
        assert_eq!((taken.alive_count_change, taken.not_alive_count_change), (0, 1));
        statuses.record_liveliness(LivelinessTransition::BecameAlive { returned: true }, WRITER);
        statuses.record_liveliness(LivelinessTransition::Unmatched { was_alive: true }, WRITER);
        let taken = statuses.take_liveliness_changed();
        assert_eq!((taken.alive_count, taken.not_alive_count), (0, 0));
    }

    #[test]
    fn masks_print_their_names() {
        let mask = StatusMask::DATA_AVAILABLE | StatusMask::SAMPLE_LOST;
        assert_eq!(format!("{mask:?}"), r#"{"SAMPLE_LOST", "DATA_AVAILABLE"}"#);
        assert!((!mask & mask).is_empty());
        assert_eq!(StatusMask::SUBSCRIPTION_MATCHED.bits(), 0x4000);
    }

    #[test]
    fn incompatible_policies_are_counted_each() {
        let mut statuses = WriterStatuses::default();
        statuses.record_incompatible_qos([PolicyId::Reliability, PolicyId::Durability]);
        statuses.record_incompatible_qos([PolicyId::Durability]);
        let taken = statuses.take_offered_incompatible_qos();
        assert_eq!(taken.total_count, 2);
        assert_eq!(taken.last_policy_id, Some(PolicyId::Durability));
        let counts: Vec<_> =
            taken.policies.iter().map(|counted| (counted.policy_id, counted.count)).collect();
        assert_eq!(counts, [(PolicyId::Reliability, 1), (PolicyId::Durability, 2)]);
    }
}
