//! Publishers and subscribers in the making.

use dds_qos::{AccessScope, PublisherQos, SubscriberQos};

use super::{DomainParticipant, Publisher, Subscriber};
use crate::error::DdsResult;

macro_rules! group_builder {
    ($(#[$doc:meta])* $Builder:ident, $Qos:ident, $Entity:ident, $create:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "nothing happens before build()"]
        pub struct $Builder {
            participant: DomainParticipant,
            qos: $Qos,
        }

        impl $Builder {
            pub(super) fn new(participant: DomainParticipant, qos: $Qos) -> Self {
                Self { participant, qos }
            }

            /// With this QoS instead of the default one.
            pub fn qos(mut self, qos: $Qos) -> Self {
                self.qos = qos;
                self
            }

            /// One PARTITION name; may be called several times (DDS 1.4 §2.2.3.13).
            pub fn partition(mut self, name: impl Into<String>) -> Self {
                self.qos.partition.0.push(name.into());
                self
            }

            /// PRESENTATION: across what changes are kept [in order](Self::ordered) and
            /// [together](Self::coherent) (DDS 1.4 §2.2.3.6).
            pub fn presentation(mut self, access_scope: AccessScope) -> Self {
                self.qos.presentation.access_scope = access_scope;
                self
            }

            /// PRESENTATION `coherent_access`: coherent sets are seen whole or not at all.
            pub fn coherent(mut self) -> Self {
                self.qos.presentation.coherent_access = true;
                self
            }

            /// PRESENTATION `ordered_access`: changes are seen in the order in which they were made.
            pub fn ordered(mut self) -> Self {
                self.qos.presentation.ordered_access = true;
                self
            }

            /// Makes it.
            ///
            /// # Errors
            /// [`IllegalOperation`](crate::error::DdsError::IllegalOperation) in a forked child.
            pub fn build(self) -> DdsResult<$Entity> {
                self.participant.$create(self.qos)
            }
        }
    };
}

group_builder! {
    /// A publisher in the making; see [`DomainParticipant::publisher`].
    PublisherBuilder, PublisherQos, Publisher, create_publisher
}

group_builder! {
    /// A subscriber in the making; see [`DomainParticipant::subscriber`].
    SubscriberBuilder, SubscriberQos, Subscriber, create_subscriber
}

impl DomainParticipant {
    /// Begins a publisher with the default QoS of the participant's publishers.
    pub fn publisher(&self) -> PublisherBuilder {
        PublisherBuilder::new(self.clone(), self.default_publisher_qos())
    }

    /// Begins a subscriber with the default QoS of the participant's subscribers.
    pub fn subscriber(&self) -> SubscriberBuilder {
        SubscriberBuilder::new(self.clone(), self.default_subscriber_qos())
    }
}
