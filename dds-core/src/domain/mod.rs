//! The entities of DDS 1.4 §2.2.2, as users hold them.

mod builder;
mod config;
mod containment;
mod discovered;
mod factory;
mod filtered_topic;
mod loan;
mod multi_topic;
mod participant;
mod publisher;
mod reader;
mod select;
mod stream;
mod subscriber;
mod topic;
mod verdicts;
mod writer;

pub use builder::{ReaderBuilder, WriterBuilder};
pub use config::{ParticipantConfig, Peer};
pub use factory::{DomainParticipantFactory, DomainParticipantFactoryQos};
pub use filtered_topic::ContentFilteredTopic;
pub use loan::{Loan, LoanedSample};
pub use multi_topic::{MultiTopic, MultiTopicBuilder, MultiTopicReader};
pub use participant::{DomainParticipant, MismatchVerdict, ParticipantBuilder, ParticipantStatistics};
pub use publisher::Publisher;
pub use reader::DataReader;
pub(crate) use reader::WeakReader;
pub use select::Select;
pub use stream::{SampleStream, Samples};
pub use subscriber::Subscriber;
pub(crate) use subscriber::WeakSubscriber;
pub use topic::{Topic, TopicDescription};
pub use verdicts::Verdicts;
pub use writer::{DataWriter, WriteOptions};
