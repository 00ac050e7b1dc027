//! Multi-topics: several topics joined to one (DDS 1.4 §2.2.2.3.4).

mod join;
mod plan;
mod reader;

use std::{marker::PhantomData, sync::Arc};

use dds_filter::{Program, TopicExpression};
use dds_qos::DataReaderQos;
use dds_types::{DataRepresentationId, TopicType};
use parking_lot::RwLock;

use self::{
    join::Join,
    plan::{Plan, TopicPlan},
};
use super::{DataReader, DomainParticipant, Subscriber, Topic, reader::ReaderInner};
use crate::{
    content_filter::described,
    error::{DdsError, DdsResult},
    type_support::TypeSupport,
};

pub use self::reader::MultiTopicReader;

/// Makes a reader of a joined topic.
type MakeReader = Box<dyn Fn(&Subscriber, DataReaderQos) -> DdsResult<Arc<ReaderInner>> + Send + Sync>;

/// A topic to be joined.
struct Source {
    name: String,
    type_support: TypeSupport,
    make_reader: MakeReader,
}

/// Several topics as one, whose samples are of type `R` (DDS 1.4 §2.2.2.3.4). Clones are the same one.
///
/// The topics are joined by the key members that they have in common. A sample of any of them makes a
/// sample of the result for each combination of instances that agree in these, with the members that the
/// expression selects, if it passes its WHERE, which speaks of members of the result. An instance of the
/// result is alive while such a combination of alive instances is.
pub struct MultiTopic<R: TopicType> {
    shared: Arc<MultiShared>,
    type_: PhantomData<fn() -> R>,
}

/// A multi-topic below its type.
struct MultiShared {
    name: String,
    participant: DomainParticipant,
    type_support: TypeSupport,
    representation: DataRepresentationId,
    plan: Plan,
    sources: Vec<Source>,
    compiled: RwLock<(Vec<String>, Arc<Program>)>,
}

impl<R: TopicType> Clone for MultiTopic<R> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), type_: PhantomData }
    }
}

impl<R: TopicType> std::fmt::Debug for MultiTopic<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MultiTopic")
            .field("name", &self.name())
            .field("subscription_expression", &self.subscription_expression())
            .finish()
    }
}

/// A multi-topic in the making. Finish with [`build`](MultiTopicBuilder::build).
#[must_use = "nothing happens before build()"]
pub struct MultiTopicBuilder<R: TopicType> {
    participant: DomainParticipant,
    name: String,
    expression: String,
    parameters: Vec<String>,
    sources: Vec<Source>,
    type_: PhantomData<fn() -> R>,
}

impl DomainParticipant {
    /// Begins a topic of samples of `R` that are joined from several topics by an expression such as
    /// `SELECT a, b AS c FROM First NATURAL JOIN Second WHERE c < %0` (DDS 1.4 §2.2.2.2.1.9).
    ///
    /// ```
    /// # use dds_core::{DdsType, DomainParticipant, error::DdsResult, qos::Duration};
    /// #[derive(DdsType)]
    /// struct Location {
    ///     #[dds(key)]
    ///     flight: String,
    ///     altitude: i32,
    /// }
    ///
    /// #[derive(DdsType)]
    /// struct Plan {
    ///     #[dds(key)]
    ///     flight: String,
    ///     destination: String,
    /// }
    ///
    /// #[derive(DdsType, Debug, PartialEq)]
    /// struct Arrival {
    ///     #[dds(key)]
    ///     flight: String,
    ///     height: i32,
    ///     destination: String,
    /// }
    ///
    /// # fn main() -> DdsResult<()> {
    /// # let participant = DomainParticipant::builder(0).loopback_only().build()?;
    /// let locations = participant.topic::<Location>("Location")?;
    /// let plans = participant.topic::<Plan>("Plan")?;
    /// let arrivals = participant
    ///     .multi_topic::<Arrival>(
    ///         "Arrival",
    ///         "SELECT flight, altitude AS height, destination FROM Location NATURAL JOIN Plan WHERE height < %0",
    ///     )
    ///     .topic(&locations)
    ///     .topic(&plans)
    ///     .parameters(["3000"])
    ///     .build()?;
    /// let reader = arrivals.reader(Default::default())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn multi_topic<R: TopicType>(&self, name: &str, expression: &str) -> MultiTopicBuilder<R> {
        MultiTopicBuilder {
            participant: self.clone(),
            name: name.to_owned(),
            expression: expression.to_owned(),
            parameters: Vec::new(),
            sources: Vec::new(),
            type_: PhantomData,
        }
    }
}

impl<R: TopicType> MultiTopicBuilder<R> {
    /// With a topic that the expression names.
    pub fn topic<T: TopicType>(mut self, topic: &Topic<T>) -> Self {
        let name = topic.name().to_owned();
        let type_support = topic.type_support();
        let topic = topic.clone();
        let make_reader: MakeReader = Box::new(move |subscriber, qos| {
            DataReader::new(subscriber.clone(), &topic, qos).map(|reader| reader.inner().clone())
        });
        self.sources.push(Source { name, type_support, make_reader });
        self
    }

    /// With these values of `%0` and so on.
    pub fn parameters<P: Into<String>>(mut self, parameters: impl IntoIterator<Item = P>) -> Self {
        self.parameters = parameters.into_iter().map(Into::into).collect();
        self
    }

    /// Makes the multi-topic.
    ///
    /// # Errors
    /// [`DdsError::Filter`] when the expression is none or its WHERE does not fit `R`;
    /// [`DdsError::BadParameter`] when it selects what its topics or `R` do not have;
    /// [`DdsError::PreconditionNotMet`] when a topic is missing or has no key in common with the others.
    pub fn build(self) -> DdsResult<MultiTopic<R>> {
        const OPERATION: &str = "create_multitopic";
        self.participant.check_usable(OPERATION)?;
        let expression = TopicExpression::parse(&self.expression)?;
        let mut given = self.sources;
        let mut sources = Vec::new();
        for name in expression.topics() {
            let Some(place) = given.iter().position(|source| source.name == *name) else {
                let requirement =
                    format!("the topic «{name}», which its expression names; give it by topic()");
                return Err(DdsError::precondition(OPERATION, requirement));
            };
            sources.push(given.swap_remove(place));
        }
        let describe = |source: &Source| {
            TopicPlan::new(&source.name, described(&source.type_support, expression.as_str())?)
        };
        let topics = sources.iter().map(describe).collect::<DdsResult<Vec<_>>>()?;
        let keys: Vec<_> = topics.iter().map(|topic| topic.keys.clone()).collect();
        if Join::new(&keys).is_none() {
            let requirement = "topics that have key members of the same name in common";
            return Err(DdsError::precondition(OPERATION, requirement));
        }
        let type_support = TypeSupport::of::<R>(None);
        let result = described(&type_support, expression.as_str())?;
        let plan = Plan::new(expression, result, topics)?;
        let program = Arc::new(plan.compile(&self.parameters)?);
        let shared = MultiShared {
            name: self.name,
            participant: self.participant,
            type_support,
            representation: R::representations().first().copied().unwrap_or(DataRepresentationId::XCDR),
            plan,
            sources,
            compiled: RwLock::new((self.parameters, program)),
        };
        Ok(MultiTopic { shared: Arc::new(shared), type_: PhantomData })
    }
}

impl<R: TopicType> MultiTopic<R> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The expression that joins (DDS 1.4 §2.2.2.3.4).
    pub fn subscription_expression(&self) -> &str {
        self.shared.plan.expression.as_str()
    }

    /// The values of `%0` and so on (DDS 1.4 §2.2.2.3.4.2).
    pub fn expression_parameters(&self) -> Vec<String> {
        self.shared.compiled.read().0.clone()
    }

    /// Changes the values of `%0` and so on, for what is joined from now on (DDS 1.4 §2.2.2.3.4.3).
    ///
    /// # Errors
    /// [`DdsError::Filter`]; nothing changes then.
    pub fn set_expression_parameters<P: Into<String>>(
        &self,
        parameters: impl IntoIterator<Item = P>,
    ) -> DdsResult<()> {
        let parameters: Vec<String> = parameters.into_iter().map(Into::into).collect();
        let program = Arc::new(self.shared.plan.compile(&parameters)?);
        *self.shared.compiled.write() = (parameters, program);
        Ok(())
    }

    /// The participant that it belongs to.
    pub fn participant(&self) -> &DomainParticipant {
        &self.shared.participant
    }

    /// A reader of the result, with a subscriber of its own. Each topic is read with this QoS; HISTORY and
    /// READER_DATA_LIFECYCLE hold for the result too.
    ///
    /// # Errors
    /// As [`ReaderBuilder::build`](super::ReaderBuilder::build), of each topic.
    pub fn reader(&self, qos: DataReaderQos) -> DdsResult<MultiTopicReader<R>> {
        MultiTopicReader::new(self.clone(), qos)
    }
}
