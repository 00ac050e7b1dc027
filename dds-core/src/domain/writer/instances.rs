//! What a writer says of its instances.

use dds_rtps::{change::ChangeKind, time::Timestamp};
use dds_types::TopicType;

use super::DataWriter;
use crate::{
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
};

impl<T: TopicType> DataWriter<T> {
    /// Announces that an instance will be written, and returns its handle (DDS 1.4 §2.2.2.4.2.5).
    ///
    /// # Errors
    /// [`DdsError::OutOfResources`] at `max_instances`.
    pub fn register_instance(&self, sample: &T) -> DdsResult<InstanceHandle> {
        self.inner.endpoint.lifecycle.check("register_instance")?;
        self.with_key(sample, |key| {
            let mut state = self.inner.endpoint.state.lock();
            state.cache.register_instance(key).map_err(|_| DdsError::OutOfResources {
                resource: crate::error::Resource::MaxInstances,
                limit: state.qos.resource_limits.max_instances.as_usize() as u64,
            })
        })
    }

    /// As [`DataWriter::register_instance`] (DDS 1.4 §2.2.2.4.2.6). Nothing is sent of a registration, so
    /// that nobody sees its timestamp.
    ///
    /// # Errors
    /// As [`DataWriter::register_instance`].
    pub fn register_instance_with_timestamp(
        &self,
        sample: &T,
        timestamp: Timestamp,
    ) -> DdsResult<InstanceHandle> {
        let _ = timestamp;
        self.register_instance(sample)
    }

    /// Says that this writer no longer updates the instance (DDS 1.4 §2.2.2.4.2.7); also disposes of it,
    /// unless WRITER_DATA_LIFECYCLE says otherwise.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when the instance is not registered here.
    pub fn unregister_instance(&self, sample: &T) -> DdsResult<()> {
        let kind = self.inner.endpoint.state.lock().cache.unregister_kind();
        self.end_instance(sample, kind, "unregister_instance", None)
    }

    /// As [`DataWriter::unregister_instance`], with its own source timestamp.
    ///
    /// # Errors
    /// As [`DataWriter::unregister_instance`].
    pub fn unregister_instance_with_timestamp(&self, sample: &T, timestamp: Timestamp) -> DdsResult<()> {
        let kind = self.inner.endpoint.state.lock().cache.unregister_kind();
        self.end_instance(sample, kind, "unregister_instance", Some(timestamp))
    }

    /// Disposes of the instance (DDS 1.4 §2.2.2.4.2.13).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when the instance is not registered here.
    pub fn dispose(&self, sample: &T) -> DdsResult<()> {
        self.end_instance(sample, ChangeKind::NotAliveDisposed, "dispose", None)
    }

    /// As [`DataWriter::dispose`], with its own source timestamp.
    ///
    /// # Errors
    /// As [`DataWriter::dispose`].
    pub fn dispose_with_timestamp(&self, sample: &T, timestamp: Timestamp) -> DdsResult<()> {
        self.end_instance(sample, ChangeKind::NotAliveDisposed, "dispose", Some(timestamp))
    }

    /// The instance of the sample's key, if this writer has it (DDS 1.4 §2.2.2.4.2.10).
    ///
    /// # Errors
    /// [`DdsError::Encode`] when the key breaks a bound of its type.
    pub fn lookup_instance(&self, sample: &T) -> DdsResult<Option<InstanceHandle>> {
        self.with_key(sample, |key| Ok(self.inner.endpoint.state.lock().cache.lookup_instance(key)))
    }

    /// The key of an instance (DDS 1.4 §2.2.2.4.2.9).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`].
    pub fn key_value(&self, handle: InstanceHandle) -> DdsResult<T::Key> {
        let state = self.inner.endpoint.state.lock();
        let key = state.cache.key_value(handle).ok_or(DdsError::UnknownInstance { handle })?;
        Ok(T::key_from_canonical_as(key, self.topic.dynamic().map(|dynamic| &**dynamic))?)
    }

    fn end_instance(
        &self,
        sample: &T,
        kind: ChangeKind,
        operation: &'static str,
        source_timestamp: Option<Timestamp>,
    ) -> DdsResult<()> {
        if !self.inner.endpoint.type_support.has_key {
            return Err(DdsError::precondition(operation, "a type with a key"));
        }
        self.with_key(sample, |key| self.inner.end_instance(key, kind, operation, source_timestamp).map(drop))
    }
}
