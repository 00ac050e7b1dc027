//! Samples that are lent by a reader rather than copied out of it.

use std::{fmt, marker::PhantomData, sync::Arc};

use bytemuck::Pod;
use dds_types::{TopicType, dynamic::DynamicTopicType};

use super::{
    PlainLayouts,
    reader::{Access, ReaderInner},
};
use crate::{
    cache::{CachedSample, Content},
    error::DdsResult,
    sample::{Sample, SampleInfo},
    value::Value,
};

/// Samples read or taken without a copy: their bytes stay in the buffers in which they were received, and
/// none is decoded unless asked for (DDS 1.4 §2.2.2.5.3.8, loans by `read` and `take`).
///
/// Dropping it returns the loan (§2.2.2.5.3.20 `return_loan`). Until then the reader cannot be deleted by
/// [`Subscriber::delete_reader`](super::Subscriber::delete_reader).
pub struct Loan<T: TopicType> {
    reader: Arc<ReaderInner>,
    access: Access,
    samples: Vec<CachedSample>,
    type_: PhantomData<fn() -> T>,
}

/// One of the samples of a [`Loan`].
#[derive(Clone, Copy, Debug)]
pub struct LoanedSample<'l, T: TopicType> {
    sample: &'l CachedSample,
    dynamic: Option<&'l DynamicTopicType>,
    plain: &'l PlainLayouts,
    type_: PhantomData<fn() -> T>,
}

impl<T: TopicType> Loan<T> {
    pub(super) fn new(reader: Arc<ReaderInner>, access: Access, samples: Vec<CachedSample>) -> Self {
        Self { reader, access, samples, type_: PhantomData }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The samples, in the order in which `read` and `take` have them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = LoanedSample<'_, T>> {
        let dynamic = self.reader.dynamic();
        let plain = self.reader.plain();
        self.samples.iter().map(move |sample| LoanedSample { sample, dynamic, plain, type_: PhantomData })
    }

    /// Returns the loan, as dropping it does.
    pub fn return_loan(self) {}
}

impl<T: TopicType> fmt::Debug for Loan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("samples", &self.samples).finish_non_exhaustive()
    }
}

impl<T: TopicType> Drop for Loan<T> {
    fn drop(&mut self) {
        self.reader.take_back(self.access, &mut self.samples);
    }
}

impl<'l, T: TopicType> LoanedSample<'l, T> {
    /// What is known about the sample.
    pub fn info(&self) -> &'l SampleInfo {
        &self.sample.info
    }

    /// The serialised data with its encapsulation header, where it was received; `None` when the sample
    /// only tells of a change of its instance's state.
    pub fn bytes(&self) -> Option<&'l [u8]> {
        (self.sample.content == Content::Data).then_some(&*self.sample.payload)
    }

    /// The sample where it was received, of a type whose bytes in memory are those of its encoding. `None` when
    /// they are not, when the sample came otherwise encoded or does not lie well in memory, and when it only
    /// tells of a change of its instance's state; [`decode`](Self::decode) works always. Samples from
    /// [`DataWriter::loan`](super::DataWriter::loan) through shared memory lie well.
    pub fn plain(&self) -> Option<&'l T>
    where
        T: Pod,
    {
        self.plain.view(self.bytes()?)
    }

    /// The sample as a writer of the reader's own participant wrote it, by
    /// [`write_arc`](super::DataWriter::write_arc): nobody has serialised or copied it. `None` for samples that came
    /// another way.
    pub fn as_written(&self) -> Option<&'l T> {
        Value::of(&self.sample.payload)?.sample()
    }

    /// The sample, decoded.
    ///
    /// # Errors
    /// [`Decode`](crate::error::DdsError::Decode) when the bytes are no valid `T`.
    pub fn decode(&self) -> DdsResult<Sample<T>> {
        Ok(Sample::decode(self.sample, self.dynamic)?)
    }

    /// Decodes the data over `value`, whose memory, its strings and sequences, is used again: a loop over many
    /// samples needs one value. Whether there are data; without them `value` stays as it is, and is unspecified after
    /// an error.
    ///
    /// ```
    /// # use dds_core::{DdsType, DomainParticipant, error::DdsResult};
    /// #[derive(DdsType, Default)]
    /// struct Position {
    ///     path: Vec<f64>,
    /// }
    ///
    /// # fn main() -> DdsResult<()> {
    /// # let participant = DomainParticipant::builder(0).loopback_only().build()?;
    /// let reader = participant.topic::<Position>("Positions")?.reader().build()?;
    /// let mut position = Position::default();
    /// for sample in reader.select().take_loan()?.iter() {
    ///     if sample.decode_into(&mut position)? {
    ///         println!("{:?} at {:?}", position.path, sample.info().source_timestamp);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Decode`](crate::error::DdsError::Decode) when the bytes are no valid `T`.
    pub fn decode_into(&self, value: &mut T) -> DdsResult<bool> {
        match self.sample.content {
            Content::Data if T::IS_DYNAMIC => {
                *value = T::deserialize_as(&self.sample.payload, self.dynamic)?;
            }
            Content::Data => value.deserialize_over(&self.sample.payload)?,
            Content::CanonicalKey => return Ok(false),
        }
        Ok(true)
    }
}
