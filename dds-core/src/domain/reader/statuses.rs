//! Matched writers, and the communication statuses of a reader (DDS 1.4 §2.2.4.1).

use std::sync::Arc;

use dds_rtps::discovery::PublicationData;
use dds_types::TopicType;

use super::DataReader;
use crate::{
    condition::StatusCondition,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    status::{
        LivelinessChangedStatus, ReaderStatuses, RequestedDeadlineMissedStatus,
        RequestedIncompatibleQosStatus, SampleLostStatus, SampleRejectedStatus, StatusMask,
        SubscriptionMatchedStatus,
    },
};

impl<T: TopicType> DataReader<T> {
    /// The matched writers' handles (DDS 1.4 §2.2.2.5.3.32).
    pub fn matched_publications(&self) -> Vec<InstanceHandle> {
        self.inner.endpoint.state.lock().matched.values().map(|matched| matched.handle).collect()
    }

    /// What a matched writer announced (DDS 1.4 §2.2.2.5.3.33).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`] when no such writer is matched.
    pub fn matched_publication_data(&self, handle: InstanceHandle) -> DdsResult<Arc<PublicationData>> {
        let state = self.inner.endpoint.state.lock();
        let found = state.matched.values().find(|matched| matched.handle == handle);
        found.map(|matched| matched.data.clone()).ok_or(DdsError::UnknownInstance { handle })
    }

    /// `SUBSCRIPTION_MATCHED`; resets its changes.
    pub fn subscription_matched_status(&self) -> SubscriptionMatchedStatus {
        self.take_status(ReaderStatuses::take_subscription_matched)
    }

    /// `REQUESTED_INCOMPATIBLE_QOS`; resets its changes.
    pub fn requested_incompatible_qos_status(&self) -> RequestedIncompatibleQosStatus {
        self.take_status(ReaderStatuses::take_requested_incompatible_qos)
    }

    /// `REQUESTED_DEADLINE_MISSED`; resets its changes.
    pub fn requested_deadline_missed_status(&self) -> RequestedDeadlineMissedStatus {
        self.take_status(ReaderStatuses::take_requested_deadline_missed)
    }

    /// `LIVELINESS_CHANGED`; resets its changes.
    pub fn liveliness_changed_status(&self) -> LivelinessChangedStatus {
        self.take_status(ReaderStatuses::take_liveliness_changed)
    }

    /// `SAMPLE_LOST`; resets its changes.
    pub fn sample_lost_status(&self) -> SampleLostStatus {
        self.take_status(ReaderStatuses::take_sample_lost)
    }

    /// `SAMPLE_REJECTED`; resets its changes.
    pub fn sample_rejected_status(&self) -> SampleRejectedStatus {
        self.take_status(ReaderStatuses::take_sample_rejected)
    }

    /// The reader's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.inner.endpoint.observer.condition().clone()
    }

    /// The statuses that changed and were not looked at (DDS 1.4 §2.2.2.1.1.4).
    pub fn status_changes(&self) -> StatusMask {
        self.inner.endpoint.observer.condition().changed_statuses()
    }

    fn take_status<R>(&self, take: impl FnOnce(&mut ReaderStatuses) -> R) -> R {
        let mut state = self.inner.endpoint.state.lock();
        let status = take(&mut state.statuses);
        let _ = self.inner.endpoint.observer.condition().set_changed(state.statuses.changed());
        status
    }
}
