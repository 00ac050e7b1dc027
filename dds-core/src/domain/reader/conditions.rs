//! Read and query conditions of a reader (DDS 1.4 §2.2.2.5.3.5 to §2.2.2.5.3.7).

use std::sync::Arc;

use dds_types::TopicType;

use super::DataReader;
use crate::{
    cache::{Content, Selector},
    condition::{QueryCondition, QueryPredicate, ReadCondition, SampleSource, SqlQuery, WeakReadCondition},
    engine::ReaderEndpoint,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    sample::DataState,
};

impl<T: TopicType> DataReader<T> {
    /// A condition that is true while there are samples in these states (DDS 1.4 §2.2.2.5.3.27).
    pub fn read_condition(&self, states: DataState) -> ReadCondition {
        let source: Arc<dyn SampleSource> = self.inner.endpoint.clone();
        let condition = ReadCondition::new(source, self.inner.endpoint.observer.notifier.clone(), states);
        self.note_condition(&condition);
        condition
    }

    /// Deletes a condition of this reader: it is false from now on (DDS 1.4 §2.2.2.5.3.29). Dropping its
    /// last clone does the same.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when it is another reader's.
    pub fn delete_read_condition(&self, condition: &ReadCondition) -> DdsResult<()> {
        let mut conditions = self.inner.conditions.lock();
        let Some(index) = conditions.iter().position(|known| known.is(condition)) else {
            return Err(DdsError::precondition("delete_read_condition", "a condition of this reader"));
        };
        conditions.swap_remove(index).delete();
        Ok(())
    }

    fn note_condition(&self, condition: &ReadCondition) {
        let mut conditions = self.inner.conditions.lock();
        conditions.retain(WeakReadCondition::is_used);
        conditions.push(condition.downgrade());
    }

    /// A condition that is true while there are samples in these states that `accept` accepts (DDS 1.4
    /// §2.2.2.5.3.28). `accept` runs under the reader's lock and must not use the API.
    pub fn query_condition(
        &self,
        states: DataState,
        accept: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> QueryCondition {
        let source: Arc<dyn SampleSource> = self.inner.endpoint.clone();
        let dynamic = self.topic.dynamic().cloned();
        let predicate = Arc::new(move |bytes: &[u8], content: Content| {
            content == Content::Data
                && T::deserialize_as(bytes, dynamic.as_deref()).is_ok_and(|sample| accept(&sample))
        });
        let notifier = self.inner.endpoint.observer.notifier.clone();
        let condition = QueryCondition::new(source, notifier, states, predicate);
        self.note_condition(condition.read_condition());
        condition
    }

    /// A condition that is true while there are samples in these states that pass a query in the SQL of
    /// [`dds_filter`](crate::filter) (DDS 1.4 §2.2.2.5.3.28). Give it to
    /// [`Select::query`](crate::domain::Select::query) to read or take them, sorted if the query says ORDER BY.
    /// `parameters` are the values of `%0` and so on.
    ///
    /// # Errors
    /// [`DdsError::Filter`] when the query does not fit the type.
    pub fn query<P: Into<String>>(
        &self,
        states: DataState,
        expression: &str,
        parameters: impl IntoIterator<Item = P>,
    ) -> DdsResult<QueryCondition> {
        let parameters = parameters.into_iter().map(Into::into).collect();
        let query = SqlQuery::new(&self.topic.type_support(), expression, parameters)?;
        let source: Arc<dyn SampleSource> = self.inner.endpoint.clone();
        let notifier = self.inner.endpoint.observer.notifier.clone();
        let condition = QueryCondition::of_sql(source, notifier, states, query);
        self.note_condition(condition.read_condition());
        Ok(condition)
    }
}

impl SampleSource for ReaderEndpoint {
    fn instance_handle(&self) -> InstanceHandle {
        self.handle
    }

    fn has_samples(&self, states: DataState, predicate: Option<&QueryPredicate>) -> bool {
        if !self.lifecycle.is_enabled() {
            return false;
        }
        let mut state = self.state.lock();
        match predicate {
            None => state.cache.has_data(states),
            Some(predicate) => {
                let predicate: &dyn Fn(&[u8], Content) -> bool = predicate;
                state.cache.has_match(&Selector { states, predicate: Some(predicate), ..Selector::default() })
            }
        }
    }
}
