//! What participants tell each other of themselves: SPDP, SEDP and liveliness data (RTPS 2.5 §8.5).
//!
//! [`ParticipantData`], [`PublicationData`], [`SubscriptionData`] and [`TopicData`] are parameter
//! lists. Each is declared once as a table of fields with their ids, which yields the struct,
//! `encode` and `decode`. Parameters that are not in the table survive in
//! [`UnknownParameters`]; an unknown one that must be understood disqualifies the entity.
//! [`ParticipantMessageData`] is the writer liveliness protocol's, [`TypeLookupRequest`] and
//! [`TypeLookupReply`] are the type lookup service's.
//!
//! Pure data: the machine that sends and receives it is [`Participant`](crate::participant).

#[macro_use]
mod table;

mod content_filter;
mod endpoints;
mod message_data;
mod participant_data;
mod properties;
mod type_lookup;
mod unknown;
mod value;

use core::fmt;

use dds_types::{DecodeError, parameter_list::ParameterId};

pub use content_filter::{ContentFilter, FilterSignature};
pub use endpoints::{PublicationData, SubscriptionData, TopicData};
pub use message_data::{ParticipantMessageData, ParticipantMessageKind};
pub use participant_data::{BuiltinEndpointQos, BuiltinEndpointSet, ParticipantData};
pub use properties::Property;
pub use type_lookup::{
    CONTINUATION_POINT, Dialect, MOST_TYPES_ASKED, TypeLookupCall, TypeLookupReply, TypeLookupRequest,
    TypeLookupResult, service_name, service_of,
};
pub use unknown::UnknownParameters;
pub use value::ParameterValue;

use crate::{message::pid, structure::Guid};

/// The longest announcement that is decoded, in bytes. What peers send stays far below.
pub const LARGEST_ANNOUNCEMENT: usize = 256 * 1024;

/// The longest name or other string in an announcement, in bytes.
pub const LONGEST_STRING: usize = 4096;

/// How many locators of one kind are kept; the rest is ignored.
pub const MOST_LOCATORS: usize = 16;

/// Why an announcement was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DiscoveryDataError {
    /// More bytes than [`LARGEST_ANNOUNCEMENT`].
    TooLarge(usize),
    /// The encapsulation header is missing or the list has no end.
    List(DecodeError),
    /// The payload is of a representation other than the one discovery uses.
    Representation([u8; 2]),
    /// A parameter's value is malformed.
    Parameter {
        /// Which parameter.
        id: ParameterId,
        /// What is wrong; the offset counts from the value's start.
        error: DecodeError,
    },
    /// A parameter that the entity cannot do without is absent.
    Missing(ParameterId),
    /// A parameter that we do not know and must understand (RTPS 2.5 §9.6.2.2.1).
    MustUnderstand(ParameterId),
    /// The GUID is not one of such an entity.
    WrongEntity(Guid),
}

impl fmt::Display for DiscoveryDataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |id: &ParameterId| (pid::name(*id).unwrap_or("parameter"), id.0);
        match self {
            Self::TooLarge(length) => {
                write!(f, "the announcement has {length} bytes, more than {LARGEST_ANNOUNCEMENT}")
            }
            Self::List(error) => write!(f, "the parameter list is malformed: {error}"),
            Self::Representation([a, b]) => {
                write!(f, "the representation {a:#04x}{b:02x} is not one of discovery data")
            }
            Self::Parameter { id, error } => {
                let (name, id) = named(id);
                write!(f, "{name} ({id:#06x}) is malformed: {error}")
            }
            Self::Missing(id) => {
                let (name, id) = named(id);
                write!(f, "{name} ({id:#06x}) is missing")
            }
            Self::MustUnderstand(id) => {
                write!(f, "the parameter {:#06x} must be understood and is unknown", id.0)
            }
            Self::WrongEntity(guid) => write!(f, "{guid} is not the GUID of such an entity"),
        }
    }
}

impl core::error::Error for DiscoveryDataError {}
