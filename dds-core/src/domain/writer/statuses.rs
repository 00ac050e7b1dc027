//! Matched readers, and the communication statuses of a writer (DDS 1.4 §2.2.4.1).

use std::sync::Arc;

use dds_rtps::discovery::SubscriptionData;
use dds_types::TopicType;

use super::DataWriter;
use crate::{
    condition::StatusCondition,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    status::{
        LivelinessLostStatus, OfferedDeadlineMissedStatus, OfferedIncompatibleQosStatus,
        PublicationMatchedStatus, StatusMask, WriterStatuses,
    },
};

impl<T: TopicType> DataWriter<T> {
    /// The matched readers' handles (DDS 1.4 §2.2.2.4.2.17).
    pub fn matched_subscriptions(&self) -> Vec<InstanceHandle> {
        self.inner.endpoint.state.lock().matched.values().map(|matched| matched.handle).collect()
    }

    /// What a matched reader announced (DDS 1.4 §2.2.2.4.2.18).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`] when no such reader is matched.
    pub fn matched_subscription_data(&self, handle: InstanceHandle) -> DdsResult<Arc<SubscriptionData>> {
        let state = self.inner.endpoint.state.lock();
        let found = state.matched.values().find(|matched| matched.handle == handle);
        found.map(|matched| matched.data.clone()).ok_or(DdsError::UnknownInstance { handle })
    }

    /// `PUBLICATION_MATCHED`; resets its changes.
    pub fn publication_matched_status(&self) -> PublicationMatchedStatus {
        self.take_status(|statuses| statuses.take_publication_matched())
    }

    /// `OFFERED_INCOMPATIBLE_QOS`; resets its changes.
    pub fn offered_incompatible_qos_status(&self) -> OfferedIncompatibleQosStatus {
        self.take_status(|statuses| statuses.take_offered_incompatible_qos())
    }

    /// `OFFERED_DEADLINE_MISSED`; resets its changes.
    pub fn offered_deadline_missed_status(&self) -> OfferedDeadlineMissedStatus {
        self.take_status(|statuses| statuses.take_offered_deadline_missed())
    }

    /// `LIVELINESS_LOST`; resets its changes.
    pub fn liveliness_lost_status(&self) -> LivelinessLostStatus {
        self.take_status(|statuses| statuses.take_liveliness_lost())
    }

    /// The writer's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.inner.endpoint.observer.condition().clone()
    }

    /// The statuses that changed and were not looked at (DDS 1.4 §2.2.2.1.1.4).
    pub fn status_changes(&self) -> StatusMask {
        self.inner.endpoint.observer.condition().changed_statuses()
    }

    fn take_status<R>(&self, take: impl FnOnce(&mut WriterStatuses) -> R) -> R {
        let mut state = self.inner.endpoint.state.lock();
        let status = take(&mut state.statuses);
        let _ = self.inner.endpoint.observer.condition().set_changed(state.statuses.changed());
        status
    }
}
