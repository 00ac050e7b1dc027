//! What discovery tells its owner.

use alloc::{boxed::Box, string::String, sync::Arc};

use smallvec::SmallVec;

use dds_qos::{DurabilityKind, LivelinessKind};
use dds_types::cdr::Endianness;

use super::{
    activity::Activity,
    verdict::{Role, Verdict},
};
use crate::{
    discovery::{ParticipantData, PublicationData, SubscriptionData, TypeLookupReply, TypeLookupRequest},
    structure::{Guid, GuidPrefix, Locator, VendorId},
    writer::GroupPath,
};

/// What discovery found out, in the order in which it did.
#[derive(Clone, Debug)]
pub enum DiscoveryEvent {
    /// A participant of our domain and tag was announced for the first time.
    ParticipantDiscovered(Arc<ParticipantData>),
    /// A known participant announced something else of itself than before.
    ParticipantChanged(Arc<ParticipantData>),
    /// A participant is gone; its endpoints have been reported lost and unmatched before.
    ParticipantLost {
        /// Which one.
        guid: Guid,
        /// Why.
        reason: LossReason,
    },
    /// A remote writer was announced.
    PublicationDiscovered(Arc<PublicationData>),
    /// A remote writer changed its QoS.
    PublicationChanged(Arc<PublicationData>),
    /// A remote writer is gone.
    PublicationLost(Guid),
    /// A remote reader was announced.
    SubscriptionDiscovered(Arc<SubscriptionData>),
    /// A remote reader changed its QoS.
    SubscriptionChanged(Arc<SubscriptionData>),
    /// A remote reader is gone.
    SubscriptionLost(Guid),
    /// Two endpoints are to communicate from now on.
    Match {
        /// Ours.
        local: Guid,
        /// The other one, which may be ours too.
        remote: RemoteEndpoint,
    },
    /// A matched pair stays matched, but the remote one's QoS or locators are new.
    MatchChanged {
        /// Ours.
        local: Guid,
        /// The other one as it is now.
        remote: RemoteEndpoint,
    },
    /// Two matched endpoints communicate no more.
    Unmatch {
        /// Ours.
        local: Guid,
        /// The other one.
        remote: Guid,
        /// Why.
        reason: UnmatchReason,
    },
    /// Two endpoints share a topic name and do not match. Told once, until something changes.
    Incompatible {
        /// Ours.
        local: Guid,
        /// The other one.
        remote: Guid,
        /// Everything that keeps them apart.
        verdict: Arc<Verdict>,
    },
    /// A matched writer's liveliness was lost or regained (DDS 1.4 §2.2.3.11); also told of our own
    /// writers with a MANUAL kind, for LIVELINESS_LOST.
    WriterLiveliness {
        /// The writer.
        writer: Guid,
        /// What is now.
        liveliness: WriterLiveliness,
    },
    /// A participant asks for types. [`Participant::reply_types`](super::Participant::reply_types) answers.
    TypeRequest {
        /// Who asks.
        from: GuidPrefix,
        /// What.
        request: Box<TypeLookupRequest>,
    },
    /// A participant says what it knows of types; this need not be what it was
    /// [asked](super::Participant::request_types), nor need it have been.
    TypeReply {
        /// Who says so.
        from: GuidPrefix,
        /// What.
        reply: Box<TypeLookupReply>,
    },
    /// A participant's announcements arrive, but it does not answer.
    PathWarning {
        /// Which one.
        participant: Arc<ParticipantData>,
        /// Where we sent to.
        locator: Locator,
        /// Where its announcements come from.
        origin: Locator,
        /// Where we send to from now on.
        next: Locator,
    },
    /// A participant's announcements arrive, but none of the addresses it names can be used.
    Unreachable {
        /// Which one.
        participant: Arc<ParticipantData>,
        /// Where its announcements come from.
        origin: Locator,
    },
}

/// Whether a writer is known to be alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriterLiveliness {
    /// It asserted its liveliness within its lease.
    Alive,
    /// It did not.
    NotAlive,
}

/// Why a participant is lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LossReason {
    /// It said so.
    Departed,
    /// Nothing was heard of it for its lease.
    LeaseExpired,
    /// Another one announces itself under the same GUID: it was restarted.
    Restarted,
    /// It was thrown out because it, or all together, took too much memory.
    Evicted,
    /// It changed to another domain or domain tag.
    LeftDomain,
    /// The user does not want to know of it.
    Ignored,
}

/// Why two endpoints are matched no more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UnmatchReason {
    /// Our endpoint was deleted.
    LocalDeleted,
    /// The other endpoint was deleted.
    RemoteDeleted,
    /// The other endpoint's participant is lost.
    ParticipantLost(LossReason),
    /// The user does not want to know of the other endpoint.
    Ignored,
    /// One side's QoS or address changed; an [`DiscoveryEvent::Incompatible`] says how they differ.
    Incompatible,
}

/// An endpoint's announcement, whichever of the two it is.
#[derive(Clone, PartialEq, Debug)]
pub enum EndpointData {
    /// Of a writer.
    Publication(Arc<PublicationData>),
    /// Of a reader.
    Subscription(Arc<SubscriptionData>),
}

impl EndpointData {
    /// The endpoint.
    pub fn guid(&self) -> Guid {
        match self {
            Self::Publication(data) => data.endpoint_guid,
            Self::Subscription(data) => data.endpoint_guid,
        }
    }

    /// Which of the two it is.
    pub fn role(&self) -> Role {
        match self {
            Self::Publication(_) => Role::Writer,
            Self::Subscription(_) => Role::Reader,
        }
    }

    /// Its topic's name.
    pub fn topic_name(&self) -> &str {
        match self {
            Self::Publication(data) => &data.topic_name,
            Self::Subscription(data) => &data.topic_name,
        }
    }

    /// Its type's name.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Publication(data) => &data.type_name,
            Self::Subscription(data) => &data.type_name,
        }
    }

    /// What it says of its type, to others or only to those of our vendor id, as it came in
    /// [its byte order](Self::endianness).
    pub fn type_information(&self) -> Option<&[u8]> {
        let (to_all, to_ours) = match self {
            Self::Publication(data) => (&data.type_information, &data.own_type_information),
            Self::Subscription(data) => (&data.type_information, &data.own_type_information),
        };
        to_all.as_deref().or(to_ours.as_deref())
    }

    /// What it says of its type to the participant that announced `other`.
    pub fn type_information_for(&self, other: &Self) -> Option<&[u8]> {
        let to_all = match self {
            Self::Publication(data) => data.type_information.as_deref(),
            Self::Subscription(data) => data.type_information.as_deref(),
        };
        to_all.or_else(|| self.type_information().filter(|_| other.vendor() == VendorId::OURS))
    }

    /// Who made the implementation that announced it.
    pub fn vendor(&self) -> VendorId {
        match self {
            Self::Publication(data) => data.unknown.vendor(),
            Self::Subscription(data) => data.unknown.vendor(),
        }
    }

    /// The byte order of the announcement.
    pub fn endianness(&self) -> Endianness {
        match self {
            Self::Publication(data) => data.unknown.endianness(),
            Self::Subscription(data) => data.unknown.endianness(),
        }
    }

    /// Its PARTITION.
    pub fn partitions(&self) -> &[String] {
        match self {
            Self::Publication(data) => &data.qos.partition.0,
            Self::Subscription(data) => &data.qos.partition.0,
        }
    }

    /// Its DURABILITY.
    pub fn durability(&self) -> DurabilityKind {
        match self {
            Self::Publication(data) => data.qos.durability.0,
            Self::Subscription(data) => data.qos.durability.0,
        }
    }

    /// Whether it is RELIABLE.
    pub fn is_reliable(&self) -> bool {
        match self {
            Self::Publication(data) => data.qos.reliability.is_reliable(),
            Self::Subscription(data) => data.qos.reliability.is_reliable(),
        }
    }

    /// Whether it wants the writer's QoS with each sample; false for writers.
    pub fn expects_inline_qos(&self) -> bool {
        match self {
            Self::Publication(_) => false,
            Self::Subscription(data) => data.expects_inline_qos,
        }
    }

    /// A writer's kind of liveliness; `None` for readers.
    pub(super) fn liveliness(&self) -> Option<LivelinessKind> {
        match self {
            Self::Publication(data) => Some(data.qos.liveliness.kind),
            Self::Subscription(_) => None,
        }
    }

    /// The unicast addresses of its own, none for its participant's.
    pub(super) fn unicast_locators(&self) -> &[Locator] {
        match self {
            Self::Publication(data) => &data.unicast_locators,
            Self::Subscription(data) => &data.unicast_locators,
        }
    }

    /// The groups of its own, none for its participant's.
    pub(super) fn multicast_locators(&self) -> &[Locator] {
        match self {
            Self::Publication(data) => &data.multicast_locators,
            Self::Subscription(data) => &data.multicast_locators,
        }
    }

    /// Whether both are one and the same announcement, not just equal ones.
    pub(super) fn is_same_announcement(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Publication(one), Self::Publication(other)) => Arc::ptr_eq(one, other),
            (Self::Subscription(one), Self::Subscription(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// A matched endpoint as its partner needs it.
#[derive(Clone, Debug)]
pub struct RemoteEndpoint {
    /// Which one.
    pub guid: Guid,
    /// What it announced.
    pub data: EndpointData,
    /// Where to send: the one unicast address chosen, or one of kind
    /// [`IN_PROCESS`](crate::structure::LocatorKind::IN_PROCESS) for an endpoint of the same
    /// participant.
    pub locators: SmallVec<[Locator; 2]>,
    /// For a remote reader: the group to which what goes to several participants may be sent once.
    pub group: Option<GroupPath>,
    /// Its participant; `None` for our own.
    pub participant: Option<Arc<ParticipantData>>,
    /// For a remote writer: to be touched whenever a sample or a liveliness heartbeat of it arrives.
    pub activity: Activity,
}
