//! Samples that are given away rather than serialised.

use std::sync::Arc;

use dds_types::TopicType;

use super::DataWriter;
use crate::{error::DdsResult, value::Value};

impl<T: TopicType> DataWriter<T> {
    /// As [`DataWriter::write`], of a sample that readers share: where all of them are in the writer's
    /// participant and under VOLATILE durability, they get it as it is, and nobody serialises it. A reader finds
    /// it by a loan ([`LoanedSample::as_written`](crate::LoanedSample::as_written)); `take` moves it out where
    /// nobody else holds it, and else decodes what is serialised for it then.
    ///
    /// Bounds of the type are not checked where nobody serialises the sample.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dds_core::{DdsType, DomainParticipant, qos::Duration};
    ///
    /// #[derive(DdsType)]
    /// struct Image {
    ///     pixels: Vec<u8>,
    /// }
    ///
    /// let participant = DomainParticipant::builder(0).loopback_only().build()?;
    /// let topic = participant.topic::<Image>("Images")?;
    /// let reader = topic.reader().build()?;
    /// let writer = topic.writer().build()?;
    /// writer.wait_matched(1, Duration::from_secs(10))?;
    ///
    /// writer.write_arc(Arc::new(Image { pixels: vec![7; 1 << 20] }))?;
    /// reader.wait_for_data(Duration::from_secs(10))?;
    /// let loan = reader.select().take_loan()?;
    /// for sample in loan.iter() {
    ///     if let Some(image) = sample.as_written() {
    ///         assert_eq!(image.pixels.len(), 1 << 20);
    ///     }
    /// }
    /// # Ok::<(), dds_core::error::DdsError>(())
    /// ```
    ///
    /// # Errors
    /// As [`DataWriter::write`].
    pub fn write_arc(&self, sample: Arc<T>) -> DdsResult<()> {
        let endpoint = &self.inner.endpoint;
        if T::IS_DYNAMIC || !self.inner.engine.can_pass_on(endpoint) {
            return self.write(&sample);
        }
        let mut key = Vec::new();
        if T::HAS_KEY {
            sample.write_canonical_key(&mut key)?;
        }
        let payload = Value::payload(sample, &key, endpoint.representation());
        self.submit_payload(&key, payload)
    }

    /// As [`DataWriter::write_arc`], of a sample that the writer is given: a single reader's `take` moves it out.
    ///
    /// # Errors
    /// As [`DataWriter::write`].
    pub fn write_owned(&self, sample: T) -> DdsResult<()> {
        self.write_arc(Arc::new(sample))
    }
}
