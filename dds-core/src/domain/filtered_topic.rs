//! Content-filtered topics (DDS 1.4 §2.2.2.3.3).

use std::{
    marker::PhantomData,
    sync::{Arc, Weak},
};

use dds_filter::FilterError;
use dds_rtps::discovery::ContentFilter;
use dds_types::TopicType;
use parking_lot::Mutex;

use super::{ReaderBuilder, Topic, TopicDescription, reader::ReaderInner};
use crate::{
    content_filter::SampleFilter,
    engine::TopicShared,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    type_support::TypeSupport,
};

/// A topic of which only some samples are wanted (DDS 1.4 §2.2.2.3.3). Clones are the same one.
///
/// Its readers get samples whose contents pass its expression, in the SQL of
/// [`dds_filter`](crate::filter). Writers are told of the filter and, where they can, send nothing else;
/// whatever comes all the same is filtered by the reader, before it counts towards HISTORY and
/// RESOURCE_LIMITS, TIME_BASED_FILTER and DEADLINE. That an instance is disposed of or lost its writers
/// passes every filter, for the instances of which some sample passed.
pub struct ContentFilteredTopic<T: TopicType> {
    topic: Topic<T>,
    pub(super) shared: Arc<FilteredShared>,
    type_: PhantomData<fn() -> T>,
}

/// A content-filtered topic below its type.
pub(super) struct FilteredShared {
    name: String,
    handle: InstanceHandle,
    pub(super) topic: Arc<TopicShared>,
    type_support: TypeSupport,
    lifecycle: Lifecycle,
    state: Mutex<FilteredState>,
}

struct FilteredState {
    filter: Arc<SampleFilter>,
    readers: Vec<Weak<ReaderInner>>,
}

impl FilteredShared {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn check_exists(&self) -> DdsResult<()> {
        self.lifecycle.check_exists()
    }

    pub(super) fn description(&self) -> TopicDescription {
        TopicDescription {
            name: self.name.clone(),
            type_name: self.topic.type_name.clone(),
            instance_handle: self.handle,
        }
    }

    /// Whether readers of it are left.
    pub(super) fn is_read(&self) -> bool {
        !self.live_readers().is_empty()
    }

    /// Deletes it, unless it was deleted before.
    pub(super) fn close(&self) {
        self.lifecycle.delete();
    }

    pub(super) fn filter(&self) -> Arc<SampleFilter> {
        self.state.lock().filter.clone()
    }

    pub(super) fn add_reader(&self, reader: &Arc<ReaderInner>) {
        let mut state = self.state.lock();
        state.readers.retain(|reader| reader.strong_count() > 0);
        state.readers.push(Arc::downgrade(reader));
    }

    fn live_readers(&self) -> Vec<Arc<ReaderInner>> {
        let readers: Vec<_> = self.state.lock().readers.iter().filter_map(Weak::upgrade).collect();
        readers.into_iter().filter(|reader| reader.endpoint().lifecycle.check_exists().is_ok()).collect()
    }
}

impl<T: TopicType> Clone for ContentFilteredTopic<T> {
    fn clone(&self) -> Self {
        Self::of(self.topic.clone(), self.shared.clone())
    }
}

impl<T: TopicType> std::fmt::Debug for ContentFilteredTopic<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentFilteredTopic")
            .field("name", &self.name())
            .field("filter_expression", &self.filter_expression())
            .field("expression_parameters", &self.expression_parameters())
            .finish()
    }
}

impl<T: TopicType> ContentFilteredTopic<T> {
    pub(super) fn new(
        topic: Topic<T>,
        name: &str,
        expression: &str,
        parameters: Vec<String>,
    ) -> DdsResult<Self> {
        topic.participant().check_usable("create_contentfilteredtopic")?;
        topic.shared.lifecycle.check_exists()?;
        if name.is_empty() || name.len() > dds_rtps::discovery::LONGEST_STRING || name.contains('\0') {
            return Err(DdsError::bad_parameter("topic name", "must have 1 to 4096 bytes and no NUL"));
        }
        let type_support = topic.type_support();
        let announced = ContentFilter {
            content_filtered_topic_name: name.to_owned(),
            related_topic_name: topic.name().to_owned(),
            filter_class_name: ContentFilter::SQL.to_owned(),
            filter_expression: expression.to_owned(),
            expression_parameters: checked(parameters)?,
        };
        let filter = Arc::new(SampleFilter::new(&type_support, announced)?);
        let state = Mutex::new(FilteredState { filter, readers: Vec::new() });
        let shared = Arc::new(FilteredShared {
            name: name.to_owned(),
            handle: topic.participant().engine().handles.allocate(),
            topic: topic.shared.clone(),
            type_support,
            lifecycle: Lifecycle::enabled("ContentFilteredTopic"),
            state,
        });
        topic.participant().register_filtered(&shared)?;
        Ok(Self::of(topic, shared))
    }

    pub(super) fn of(topic: Topic<T>, shared: Arc<FilteredShared>) -> Self {
        Self { topic, shared, type_: PhantomData }
    }

    /// Its own name, by which other participants see it.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The topic that it filters (DDS 1.4 §2.2.2.3.3.2).
    pub fn related_topic(&self) -> &Topic<T> {
        &self.topic
    }

    /// The expression; it cannot change (DDS 1.4 §2.2.2.3.3).
    pub fn filter_expression(&self) -> String {
        self.shared.filter().announced().filter_expression.clone()
    }

    /// The values of `%0` and so on (DDS 1.4 §2.2.2.3.3.3).
    pub fn expression_parameters(&self) -> Vec<String> {
        self.shared.filter().announced().expression_parameters.clone()
    }

    /// Changes the values of `%0` and so on for all its readers (DDS 1.4 §2.2.2.3.3.4). What they have
    /// received stays; writers are told.
    ///
    /// # Errors
    /// [`DdsError::Filter`] when a parameter is missing or no value of the type it is compared with;
    /// nothing changes then. [`DdsError::AlreadyDeleted`].
    pub fn set_expression_parameters<P: Into<String>>(
        &self,
        parameters: impl IntoIterator<Item = P>,
    ) -> DdsResult<()> {
        self.topic.participant().check_usable("set_expression_parameters")?;
        self.shared.check_exists()?;
        let expression_parameters = checked(parameters.into_iter().map(Into::into).collect())?;
        let announced = ContentFilter { expression_parameters, ..self.shared.filter().announced().clone() };
        let filter = Arc::new(SampleFilter::new(&self.shared.type_support, announced)?);
        self.shared.state.lock().filter = filter.clone();
        for reader in self.shared.live_readers() {
            reader.set_filter(filter.clone());
        }
        Ok(())
    }

    /// Begins a reader of what passes.
    pub fn reader(&self) -> ReaderBuilder<T> {
        ReaderBuilder::filtered(self.clone())
    }
}

/// Parameters that discovery can carry.
fn checked(parameters: Vec<String>) -> DdsResult<Vec<String>> {
    if parameters.len() > ContentFilter::MOST_PARAMETERS {
        return Err(DdsError::bad_parameter("expression parameters", "must be at most 100"));
    }
    if parameters.iter().any(|text| text.contains('\0')) {
        return Err(DdsError::bad_parameter("expression parameters", "must have no NUL"));
    }
    Ok(parameters)
}

impl From<FilterError> for DdsError {
    fn from(error: FilterError) -> Self {
        Self::Filter(Box::new(error))
    }
}
