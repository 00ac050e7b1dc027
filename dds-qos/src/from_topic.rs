//! Policies that endpoints take over from their topic.

use crate::{DataReaderQos, DataWriterQos, TopicQos};

/// Replaces the named fields by the topic's; those left out are named too, so that a new policy of topics
/// is not forgotten here.
macro_rules! copied {
    ($into:ident, $topic:ident: $($field:ident)* ; not $($other:ident)*) => {{
        let TopicQos { $($field,)* $($other: _,)* } = $topic.clone();
        Self { $($field,)* ..$into }
    }};
}

impl DataWriterQos {
    /// With the values of all policies that a writer and its topic both have (DDS 1.4 §2.2.2.4.1.16
    /// `copy_from_topic_qos`).
    #[must_use]
    pub fn copy_from_topic(self, topic: &TopicQos) -> Self {
        copied!(self, topic: durability durability_service deadline latency_budget liveliness reliability
            destination_order history resource_limits transport_priority lifespan ownership
            data_representation; not topic_data)
    }
}

impl DataReaderQos {
    /// With the values of all policies that a reader and its topic both have (DDS 1.4 §2.2.2.5.2.16
    /// `copy_from_topic_qos`).
    #[must_use]
    pub fn copy_from_topic(self, topic: &TopicQos) -> Self {
        copied!(self, topic: durability deadline latency_budget liveliness reliability destination_order
            history resource_limits ownership data_representation;
            not topic_data durability_service transport_priority lifespan)
    }
}

#[cfg(test)]
mod tests {
    use crate::{DataReaderQos, DataWriterQos, POLICIES, TopicQos, tests::strategies::Arbitrary};
    use proptest::test_runner::TestRng;

    /// Every policy that the table gives to topic and endpoint is copied, and no other.
    #[test]
    fn what_topic_and_endpoint_share_is_copied() {
        let mut random = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
        for _ in 0..100 {
            let topic = TopicQos::arbitrary(&mut random);
            let writer = DataWriterQos::arbitrary(&mut random);
            let copied = writer.clone().copy_from_topic(&topic);
            assert_eq!(copied, copied.clone().copy_from_topic(&topic));
            assert_eq!(copied.durability_service, topic.durability_service);
            assert_eq!((copied.lifespan, copied.user_data), (topic.lifespan.clone(), writer.user_data));
            let reader = DataReaderQos::arbitrary(&mut random);
            let copied = reader.clone().copy_from_topic(&topic);
            assert_eq!((copied.history, copied.user_data), (topic.history, reader.user_data));
            assert_eq!(copied.type_consistency, reader.type_consistency);
        }
        let shared = |entity: &str| {
            let has = |row: &crate::PolicyRow, name: &str| row.entities.iter().any(|of| of.entity == name);
            POLICIES.iter().filter(|row| has(row, "Topic") && has(row, entity)).count()
        };
        assert_eq!((shared("DataWriter"), shared("DataReader")), (13, 10));
    }
}
