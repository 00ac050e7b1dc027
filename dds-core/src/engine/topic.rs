//! What the endpoints of a topic share.

use std::sync::Arc;

use dds_qos::TopicQos;
use parking_lot::{Mutex, RwLock};

use super::{Observer, observer::Source};
use crate::{
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    status::{StatusMask, TopicStatuses},
};

/// A topic below its type.
pub(crate) struct TopicShared {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) handle: InstanceHandle,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) qos: RwLock<Arc<TopicQos>>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) statuses: Mutex<TopicStatuses>,
}

impl TopicShared {
    pub(crate) fn qos(&self) -> Arc<TopicQos> {
        self.qos.read().clone()
    }

    /// A topic of this name with another type was met (DDS 1.4 §2.2.4.1 INCONSISTENT_TOPIC).
    pub(super) fn inconsistent(self: &Arc<Self>) {
        {
            let mut statuses = self.statuses.lock();
            statuses.record_inconsistent_topic();
            let _ = self.observer.condition().set_changed(statuses.changed());
        }
        self.observer.raise(&Source::Topic(self.clone()), StatusMask::INCONSISTENT_TOPIC);
    }
}
