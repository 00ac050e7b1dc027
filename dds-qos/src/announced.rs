//! What discovery announces of a writer and of a reader (RTPS 2.5 §8.5.4, §9.6.3.2).

use crate::codec::write_parameter;
use crate::{
    DataReaderQos, DataWriterQos, DomainParticipantQos, OwnershipStrength, PublicationQos, PublisherQos,
    SubscriberQos, SubscriptionQos, TopicQos,
};
use dds_types::parameter_list::ParameterListWriter;

/// Whether a parameter was one of the policies asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recognised {
    /// It was, and was taken.
    Yes,
    /// It is something else.
    No,
}

pub(crate) struct PublicationSources<'a> {
    pub writer: &'a DataWriterQos,
    pub publisher: &'a PublisherQos,
    pub topic: &'a TopicQos,
}

pub(crate) struct SubscriptionSources<'a> {
    pub reader: &'a DataReaderQos,
    pub subscriber: &'a SubscriberQos,
    pub topic: &'a TopicQos,
}

impl PublicationQos {
    /// What to announce of a writer with this QoS.
    pub fn new(writer: &DataWriterQos, publisher: &PublisherQos, topic: &TopicQos) -> Self {
        Self::from_sources(&PublicationSources { writer, publisher, topic })
    }

    /// Appends every policy as a parameter; see [`write_parameter`].
    pub fn write_parameters(&self, out: &mut ParameterListWriter<'_>) {
        self.write_policies(out);
    }
}

impl SubscriptionQos {
    /// What to announce of a reader with this QoS.
    pub fn new(reader: &DataReaderQos, subscriber: &SubscriberQos, topic: &TopicQos) -> Self {
        Self::from_sources(&SubscriptionSources { reader, subscriber, topic })
    }

    /// Appends every policy as a parameter; see [`write_parameter`].
    pub fn write_parameters(&self, out: &mut ParameterListWriter<'_>) {
        self.write_policies(out);
        // Readers have no strength, but RustDDS takes OWNERSHIP for EXCLUSIVE only when both are there.
        write_parameter(&OwnershipStrength::default(), out);
    }
}

impl TopicQos {
    /// Appends every policy as a parameter (`DiscoveredTopicData`); see [`write_parameter`].
    pub fn write_parameters(&self, out: &mut ParameterListWriter<'_>) {
        self.write_policies(out);
    }
}

impl DomainParticipantQos {
    /// Appends every policy as a parameter (`SPDPdiscoveredParticipantData`); see [`write_parameter`].
    pub fn write_parameters(&self, out: &mut ParameterListWriter<'_>) {
        self.write_policies(out);
    }
}

impl Default for PublicationQos {
    fn default() -> Self {
        Self::new(&DataWriterQos::default(), &PublisherQos::default(), &TopicQos::default())
    }
}

impl Default for SubscriptionQos {
    fn default() -> Self {
        Self::new(&DataReaderQos::default(), &SubscriberQos::default(), &TopicQos::default())
    }
}
