//! RTPS messages: reading them borrowed, writing them into buffers that are used again.
//!
//! In: [`MessageReceiver`] takes one datagram and yields its [`Submessage`]s, which borrow from it,
//! each with the [`MessageContext`] that the INFO_* submessages before it set up. Nothing is
//! allocated, nothing is copied, and no input makes it panic or loop.
//!
//! Out: [`MessageBuilder`] appends submessages, little endian, to a [`Datagram`], whose payloads
//! are references to the writer's own buffers.
//!
//! Each submessage but DATA and DATA_FRAG is one row of the table in `submessage.rs`; that row is
//! its struct, its codec, its size and its rules of validity.

mod builder;
mod content_filter_info;
#[cfg(any(test, feature = "test-support"))]
#[doc(hidden)]
pub mod corpus;
mod data;
mod datagram;
mod element;
mod inline_qos;
mod number_set;
mod parts;
pub mod pid;
mod receiver;
mod submessage;

use core::fmt;

pub use builder::{DataFragHeader, DataHeader, MessageBuilder};
pub use content_filter_info::ContentFilterInfo;
pub use data::{Data, DataFrag, DataPayload, PayloadKind};
pub use datagram::{Datagram, Pieces};
pub use element::{ChangeCount, GroupDigest, LocatorList, LocatorUdpV4, ReplyLocators, SubmessageElement};
pub use inline_qos::{InlineQos, InlineQosToSend, OriginalWriterInfo, SampleIdentity, StatusInfo};
pub use number_set::{FragmentNumberSet, NumberSet, SequenceNumberSet, SetNumber};
pub use parts::{Part, Parts};
pub use receiver::{MessageContext, MessageReceiver, RawSubmessage};
pub use submessage::{
    AckNack, FixedSubmessage, Gap, GapGroupInfo, HeaderExtension, Heartbeat, HeartbeatFrag,
    HeartbeatGroupInfo, InfoDestination, InfoReply, InfoReplyIp4, InfoSource, InfoTimestamp, NackFrag,
    SUBMESSAGES, Submessage, SubmessageRow,
};

use crate::structure::{GuidPrefix, ProtocolVersion, VendorId};

/// How many bytes every message begins with (RTPS 2.5 §9.4.4).
pub const HEADER_SIZE: usize = 20;

/// How many bytes every submessage begins with (RTPS 2.5 §9.4.5.1).
pub const SUBMESSAGE_HEADER_SIZE: usize = 4;

/// What a message begins with (RTPS 2.5 §8.3.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The version that the sender speaks.
    pub version: ProtocolVersion,
    /// Who made the sender.
    pub vendor_id: VendorId,
    /// The sender.
    pub guid_prefix: GuidPrefix,
}

impl Header {
    /// Of a message that we send.
    pub const fn new(guid_prefix: GuidPrefix) -> Self {
        Self { version: ProtocolVersion::CURRENT, vendor_id: VendorId::OURS, guid_prefix }
    }

    /// Reads it off the front of `datagram`.
    ///
    /// # Errors
    /// When there are too few bytes, when they are not RTPS, or of another major version.
    pub fn read(datagram: &[u8]) -> Result<Self, MessageError> {
        let error = |kind| MessageError { kind, offset: 0 };
        let Some((header, _)) = datagram.split_first_chunk::<HEADER_SIZE>() else {
            return Err(error(MessageErrorKind::NoHeader));
        };
        let [m0, m1, m2, m3, major, minor, v0, v1, a, b, c, d, e, f, g, h, i, j, k, l] = *header;
        if [m0, m1, m2, m3] != *b"RTPS" {
            return Err(error(MessageErrorKind::NotRtps));
        }
        let version = ProtocolVersion { major, minor };
        if major != ProtocolVersion::CURRENT.major {
            return Err(error(MessageErrorKind::UnsupportedVersion(version)));
        }
        Ok(Self {
            version,
            vendor_id: VendorId([v0, v1]),
            guid_prefix: GuidPrefix([a, b, c, d, e, f, g, h, i, j, k, l]),
        })
    }

    /// The bytes on the wire.
    pub fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let [v0, v1] = self.vendor_id.0;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.guid_prefix.0;
        let ProtocolVersion { major, minor } = self.version;
        [b'R', b'T', b'P', b'S', major, minor, v0, v1, a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

/// What a submessage is (RTPS 2.5 Table 9.13). Unknown values are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SubmessageId(pub u8);

macro_rules! submessage_ids {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl SubmessageId {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The standard's name of a known id.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

submessage_ids! {
    /// The extension of the message's header, new in RTPS 2.5.
    HEADER_EXTENSION = 0x00;
    /// Filler.
    PAD = 0x01;
    /// What a reader has and lacks.
    ACKNACK = 0x06;
    /// What a writer holds.
    HEARTBEAT = 0x07;
    /// What will never come.
    GAP = 0x08;
    /// The source timestamp of what follows.
    INFO_TS = 0x09;
    /// Who sent what follows.
    INFO_SRC = 0x0c;
    /// Where to answer, IPv4 only.
    INFO_REPLY_IP4 = 0x0d;
    /// Whom what follows is for.
    INFO_DST = 0x0e;
    /// Where to answer.
    INFO_REPLY = 0x0f;
    /// Which fragments a reader lacks.
    NACK_FRAG = 0x12;
    /// Which fragments a writer holds.
    HEARTBEAT_FRAG = 0x13;
    /// A sample.
    DATA = 0x15;
    /// A part of a sample.
    DATA_FRAG = 0x16;
}

impl SubmessageId {
    /// Whether the id is left to vendors; the same value means another thing for each.
    pub const fn is_vendor_specific(self) -> bool {
        self.0 >= 0x80
    }

    /// Whether a length of zero means «to the message's end» (RTPS 2.5 §9.4.5.1.3). In PAD and
    /// INFO_TS, which can be empty, it means zero.
    pub const fn extends_to_end(self) -> bool {
        !matches!(self, Self::PAD | Self::INFO_TS)
    }
}

impl fmt::Display for SubmessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "submessage {:#04x}", self.0),
        }
    }
}

/// Why a message, or what is left of it, was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageError {
    /// The cause.
    pub kind: MessageErrorKind,
    /// Where in the datagram the offending header or submessage begins.
    pub offset: usize,
}

/// The causes for which a message is not read, or not read further (RTPS 2.5 §8.3.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageErrorKind {
    /// Fewer bytes than a header.
    NoHeader,
    /// Not the protocol's magic bytes.
    NotRtps,
    /// A major version other than ours.
    UnsupportedVersion(ProtocolVersion),
    /// One to three bytes where a submessage's header belongs.
    NoSubmessageHeader,
    /// A submessage is longer than what is left of the message.
    SubmessageTooLong(SubmessageId),
    /// A submessage ends before its last field.
    SubmessageTooShort(SubmessageId),
    /// A set of more than 256 numbers.
    SetTooLarge(SubmessageId),
    /// More locators are announced than there are bytes for.
    LocatorsTooMany(SubmessageId),
    /// The inline QoS has no end inside the submessage.
    InlineQos(SubmessageId),
    /// A value that RTPS 2.5 §8.3.8 forbids; the text is the rule.
    Forbidden(SubmessageId, &'static str),
    /// The header extension gives another length than the message has.
    MessageLength,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use MessageErrorKind as Kind;
        match self.kind {
            Kind::NoHeader => f.write_str("the message is shorter than a header"),
            Kind::NotRtps => f.write_str("the message does not begin with «RTPS»"),
            Kind::UnsupportedVersion(ProtocolVersion { major, minor }) => {
                write!(f, "the message is of protocol version {major}.{minor}")
            }
            Kind::NoSubmessageHeader => f.write_str("the last submessage's header is cut off"),
            Kind::SubmessageTooLong(id) => write!(f, "{id} is longer than the rest of the message"),
            Kind::SubmessageTooShort(id) => write!(f, "{id} ends before its last field"),
            Kind::SetTooLarge(id) => write!(f, "{id} has a set of more than 256 numbers"),
            Kind::LocatorsTooMany(id) => write!(f, "{id} announces more locators than it holds"),
            Kind::InlineQos(id) => write!(f, "{id} has inline QoS without an end"),
            Kind::Forbidden(id, rule) => write!(f, "{id} is invalid: {rule}"),
            Kind::MessageLength => f.write_str("the header extension gives another message length"),
        }?;
        write!(f, " (at byte {})", self.offset)
    }
}

impl core::error::Error for MessageError {}
