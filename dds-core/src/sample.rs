//! What a reader hands out: samples and what is known about each (DDS 1.4 §2.2.2.5.4, §2.2.2.5.5).

use std::{fmt, ops::BitOr};

pub use dds_rtps::message::SampleIdentity;
use dds_rtps::{
    structure::{Guid, SequenceNumber},
    time::Timestamp,
};
use dds_types::{DecodeError, TopicType, dynamic::DynamicTopicType};

use crate::{
    cache::{CachedSample, Content},
    instance::InstanceHandle,
};

/// One state, and the set of states that a reading operation asks for:
/// `doc* State "in" doc* Mask { doc* Variant = CONSTANT bit NAME, }`.
macro_rules! states {
    ($(#[$doc:meta])* $State:ident in $(#[$mask_doc:meta])* $Mask:ident {
        $($(#[$variant_doc:meta])* $Variant:ident = $CONSTANT:ident $bit:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $State {
            $($(#[$variant_doc])* $Variant,)+
        }

        $(#[$mask_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $Mask(u8);

        impl $Mask {
            $($(#[$variant_doc])* pub const $CONSTANT: Self = Self($bit);)+
            /// No state: selects nothing.
            pub const NONE: Self = Self(0);
            /// Every state.
            pub const ANY: Self = Self($($bit |)+ 0);

            /// Whether `state` is in the set.
            pub const fn contains(self, state: $State) -> bool {
                self.0 & match state { $($State::$Variant => $bit),+ } != 0
            }
        }

        impl From<$State> for $Mask {
            fn from(state: $State) -> Self {
                match state { $($State::$Variant => Self::$CONSTANT),+ }
            }
        }

        impl BitOr for $Mask {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl Default for $Mask {
            /// Every state.
            fn default() -> Self {
                Self::ANY
            }
        }

        impl fmt::Debug for $Mask {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let names = [$(($State::$Variant, stringify!($CONSTANT))),+];
                f.debug_set().entries(names.iter().filter(|(state, _)| self.contains(*state)).map(|(_, name)| name)).finish()
            }
        }
    };
}

states! {
    /// Whether this reader has read the sample before (DDS 1.4 §2.2.2.5.1.1).
    SampleState in
    /// A set of sample states.
    SampleStateMask {
        /// `READ`: an earlier `read` returned it.
        Read = READ 1,
        /// `NOT_READ`: nothing has returned it yet.
        NotRead = NOT_READ 2,
    }
}

states! {
    /// Whether this reader has seen the instance's present life before (DDS 1.4 §2.2.2.5.1.8).
    ViewState in
    /// A set of view states.
    ViewStateMask {
        /// `NEW`: no sample of the instance's present life has been accessed.
        New = NEW 1,
        /// `NOT_NEW`: one has, and the instance was not reborn since.
        NotNew = NOT_NEW 2,
    }
}

states! {
    /// Whether the instance is alive (DDS 1.4 §2.2.2.5.1.3).
    InstanceState in
    /// A set of instance states.
    InstanceStateMask {
        /// `ALIVE`: written, not disposed of, and some alive writer writes it.
        Alive = ALIVE 1,
        /// `NOT_ALIVE_DISPOSED`: a writer disposed of it.
        NotAliveDisposed = NOT_ALIVE_DISPOSED 2,
        /// `NOT_ALIVE_NO_WRITERS`: no alive writer writes it any more.
        NotAliveNoWriters = NOT_ALIVE_NO_WRITERS 4,
    }
}

impl InstanceStateMask {
    /// Both not-alive states.
    pub const NOT_ALIVE: Self = Self(2 | 4);
}

/// Which samples an operation means, by their three states. The default is every sample.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct DataState {
    /// Read, not read or both.
    pub sample_states: SampleStateMask,
    /// Of new or known instances, or both.
    pub view_states: ViewStateMask,
    /// Of instances in these states.
    pub instance_states: InstanceStateMask,
}

impl DataState {
    /// Every sample.
    pub const ANY: Self = Self {
        sample_states: SampleStateMask::ANY,
        view_states: ViewStateMask::ANY,
        instance_states: InstanceStateMask::ANY,
    };
    /// What no operation has returned yet.
    pub const NOT_READ: Self = Self { sample_states: SampleStateMask::NOT_READ, ..Self::ANY };

    /// Whether a sample in these states is meant.
    pub const fn contains(&self, sample: SampleState, view: ViewState, instance: InstanceState) -> bool {
        self.sample_states.contains(sample)
            && self.view_states.contains(view)
            && self.instance_states.contains(instance)
    }
}

/// What is known about a sample (DDS 1.4 §2.2.2.5.5 `SampleInfo`).
#[derive(Clone, PartialEq, Debug)]
pub struct SampleInfo {
    /// Whether an earlier `read` returned the sample.
    pub sample_state: SampleState,
    /// Whether the instance was new to this reader when the sample was returned.
    pub view_state: ViewState,
    /// The instance's state when the sample was returned.
    pub instance_state: InstanceState,
    /// How often the instance had come back to life after being disposed of, when the sample arrived.
    pub disposed_generation_count: u32,
    /// How often the instance had come back to life after losing its writers, when the sample arrived.
    pub no_writers_generation_count: u32,
    /// How many samples of the same instance follow in the returned collection.
    pub sample_rank: u32,
    /// How many generations lie between this sample and the latest one of its instance in the
    /// returned collection.
    pub generation_rank: u32,
    /// How many generations lie between this sample and the latest one of its instance that the
    /// reader has received.
    pub absolute_generation_rank: u32,
    /// When it was written, by the writer's clock; `None` when the writer did not say.
    pub source_timestamp: Option<Timestamp>,
    /// When it arrived, by this host's clock.
    pub reception_timestamp: Timestamp,
    /// The instance, as a handle of this reader.
    pub instance_handle: InstanceHandle,
    /// The writer, as the handle of its built-in topic sample. NIL when the service itself made the
    /// sample, as when the last writer vanished.
    pub publication_handle: InstanceHandle,
    /// Whether there is data. Without it the sample only tells of a change of the instance's state.
    pub valid_data: bool,
    /// The writer; that of the lost writer when the service made the sample. Where a durability service
    /// passed the sample on (`PID_ORIGINAL_WRITER_INFO`), the one that first wrote it, while
    /// `publication_handle` names the service's.
    pub writer_guid: Guid,
    /// The number in that writer's history; [`SequenceNumber::UNKNOWN`] when the service made the sample.
    pub sequence_number: SequenceNumber,
    /// The sample that this one answers (`PID_RELATED_SAMPLE_IDENTITY`).
    pub related_sample_identity: Option<SampleIdentity>,
}

impl SampleInfo {
    /// Writer and sequence number.
    pub fn identity(&self) -> SampleIdentity {
        SampleIdentity { writer_guid: self.writer_guid, sequence_number: self.sequence_number }
    }
}

/// A sample of a typed reader: what is known about it, and its data or, without data, its key.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample<T: TopicType> {
    info: SampleInfo,
    value: SampleValue<T>,
}

/// The data of a sample, or the key of an instance whose state changed.
#[derive(Clone, PartialEq, Debug)]
pub enum SampleValue<T: TopicType> {
    /// The data.
    Data(T),
    /// No data: this instance changed its state.
    Key(T::Key),
}

impl<T: TopicType> Sample<T> {
    /// Decodes what the cache returned, of a topic whose type may be known only at run time.
    ///
    /// # Errors
    /// The payload is no valid sample of `T`.
    pub fn decode(cached: &CachedSample, dynamic: Option<&DynamicTopicType>) -> Result<Self, DecodeError> {
        let value = match cached.content {
            Content::Data => SampleValue::Data(T::deserialize_as(&cached.payload, dynamic)?),
            Content::CanonicalKey => SampleValue::Key(T::key_from_canonical_as(&cached.payload, dynamic)?),
        };
        Ok(Self { info: cached.info.clone(), value })
    }

    /// As [`decode`](Self::decode), over a sample whose memory is used again where its type has some. After an
    /// error its value is any of the type.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_over(
        &mut self,
        cached: &CachedSample,
        dynamic: Option<&DynamicTopicType>,
    ) -> Result<(), DecodeError> {
        match (&mut self.value, cached.content) {
            (SampleValue::Data(data), Content::Data) if !T::IS_DYNAMIC => {
                data.deserialize_over(&cached.payload)?;
                self.info = cached.info.clone();
            }
            _ => *self = Self::decode(cached, dynamic)?,
        }
        Ok(())
    }

    /// Of its parts, for data that never was serialised.
    pub fn new(info: SampleInfo, value: SampleValue<T>) -> Self {
        Self { info, value }
    }

    /// What is known about the sample.
    pub fn info(&self) -> &SampleInfo {
        &self.info
    }

    /// The data; `None` when the sample only tells of a change of its instance's state
    /// (`valid_data` is false).
    pub fn data(&self) -> Option<&T> {
        match &self.value {
            SampleValue::Data(data) => Some(data),
            SampleValue::Key(_) => None,
        }
    }

    /// The data by value; `None` as in [`Sample::data`].
    pub fn into_data(self) -> Option<T> {
        match self.value {
            SampleValue::Data(data) => Some(data),
            SampleValue::Key(_) => None,
        }
    }

    /// The key of the sample's instance, with or without data.
    pub fn key(&self) -> T::Key {
        match &self.value {
            SampleValue::Data(data) => data.key(),
            SampleValue::Key(key) => key.clone(),
        }
    }

    /// Data or key.
    pub fn value(&self) -> &SampleValue<T> {
        &self.value
    }

    /// The parts.
    pub fn into_parts(self) -> (SampleInfo, SampleValue<T>) {
        (self.info, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_combine_and_print_their_names() {
        let mask = InstanceStateMask::ALIVE | InstanceStateMask::NOT_ALIVE_DISPOSED;
        assert!(mask.contains(InstanceState::Alive));
        assert!(!mask.contains(InstanceState::NotAliveNoWriters));
        assert_eq!(format!("{mask:?}"), r#"{"ALIVE", "NOT_ALIVE_DISPOSED"}"#);
        assert_eq!(
            InstanceStateMask::from(InstanceState::Alive) | InstanceStateMask::NOT_ALIVE,
            InstanceStateMask::ANY
        );
        assert!(!DataState::NOT_READ.contains(SampleState::Read, ViewState::New, InstanceState::Alive));
    }
}
