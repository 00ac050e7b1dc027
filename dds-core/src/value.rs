//! Samples that readers of the writer's process get as they are: nobody serialises them, unless somebody
//! looks at their bytes.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use dds_rtps::payload::{Memory, Payload};
use dds_types::{DataRepresentationId, TopicType};

type Serialize = fn(&dyn Any, DataRepresentationId, &mut Vec<u8>);

/// What such a payload lies in.
pub(crate) struct Value {
    /// An `Arc` of the sample's type.
    sample: Arc<dyn Any + Send + Sync>,
    size: usize,
    key: Box<[u8]>,
    representation: DataRepresentationId,
    serialize: Serialize,
    /// The payload as others are sent it, once somebody asked.
    bytes: OnceLock<Vec<u8>>,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("is_serialized", &self.bytes.get().is_some()).finish_non_exhaustive()
    }
}

impl Value {
    /// A payload of a sample and its canonical key.
    pub(crate) fn payload<T: TopicType>(
        sample: Arc<T>,
        key: &[u8],
        representation: DataRepresentationId,
    ) -> Payload {
        let serialize: Serialize = |sample, representation, out| {
            let Some(sample) = sample.downcast_ref::<T>() else { return };
            if let Err(error) = sample.serialize(representation, out) {
                // What cannot be sent cannot be read either.
                tracing::warn!(%error, "a sample of {} cannot be serialised", T::type_name());
                out.clear();
            }
        };
        Payload::of_lazy_memory(Box::new(Self {
            size: size_of::<T>(),
            sample,
            key: key.into(),
            representation,
            serialize,
            bytes: OnceLock::new(),
        }))
    }

    /// What a payload lies in, if it is a sample as it was written.
    pub(crate) fn of(payload: &Payload) -> Option<&Self> {
        payload.memory()?.as_any().downcast_ref()
    }

    /// The canonical key.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The sample, if it is of this type.
    pub(crate) fn sample<T: TopicType>(&self) -> Option<&T> {
        self.sample.downcast_ref()
    }

    /// Moves the sample out of a payload that nobody else holds; else the payload stays as it is.
    pub(crate) fn take<T: TopicType>(payload: &mut Payload) -> Option<T> {
        Self::of(payload)?.sample::<T>()?;
        let memory = match std::mem::take(payload).into_memory() {
            Ok(memory) => memory,
            Err(shared) => {
                *payload = shared;
                return None;
            }
        };
        let mut value = memory.into_any().downcast::<Self>().ok()?;
        let nothing: Arc<dyn Any + Send + Sync> = Arc::new(());
        let sample = std::mem::replace(&mut value.sample, nothing).downcast::<T>().ok()?;
        match Arc::try_unwrap(sample) {
            Ok(sample) => Some(sample),
            Err(sample) => {
                value.sample = sample;
                *payload = Payload::of_lazy_memory(value);
                None
            }
        }
    }
}

impl Memory for Value {
    fn bytes(&self) -> &[u8] {
        self.bytes.get_or_init(|| {
            let mut bytes = Vec::new();
            (self.serialize)(&*self.sample, self.representation, &mut bytes);
            bytes
        })
    }

    fn size(&self) -> usize {
        self.size + self.key.len() + self.bytes.get().map_or(0, Vec::capacity)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
