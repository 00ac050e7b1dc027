//! Choosing samples to read or take.

use dds_types::TopicType;

use super::{DataReader, Loan, reader::Access};
use crate::{
    cache::{Content, InstanceSelector, SampleOrder, Selector},
    condition::{QueryCondition, ReadCondition},
    error::DdsResult,
    instance::InstanceHandle,
    sample::{DataState, Sample, SampleStateMask},
};

/// Which samples to read or take; every sample unless narrowed (DDS 1.4 §2.2.2.5.3.8).
#[must_use = "nothing happens before read() or take()"]
pub struct Select<'r, T: TopicType> {
    reader: &'r DataReader<T>,
    instance: InstanceSelector,
    states: DataState,
    max_samples: usize,
    query: Option<&'r QueryCondition>,
}

impl<'r, T: TopicType> Select<'r, T> {
    pub(super) fn new(reader: &'r DataReader<T>) -> Self {
        Self {
            reader,
            instance: InstanceSelector::All,
            states: DataState::ANY,
            max_samples: usize::MAX,
            query: None,
        }
    }

    /// Of this instance only.
    pub fn instance(mut self, handle: InstanceHandle) -> Self {
        self.instance = InstanceSelector::This(handle);
        self
    }

    /// Of the instance with the smallest handle above `previous` that has such samples.
    pub fn next_instance(mut self, previous: InstanceHandle) -> Self {
        self.instance = InstanceSelector::Next(previous);
        self
    }

    /// In these states only.
    pub fn states(mut self, states: DataState) -> Self {
        self.states = states;
        self
    }

    /// Only those that were not read.
    pub fn not_read(mut self) -> Self {
        self.states.sample_states = SampleStateMask::NOT_READ;
        self
    }

    /// At most this many.
    pub fn max_samples(mut self, count: usize) -> Self {
        self.max_samples = count;
        self
    }

    /// In the condition's states (`read_w_condition`, DDS 1.4 §2.2.2.5.3.10).
    pub fn condition(mut self, condition: &ReadCondition) -> Self {
        self.states = condition.states();
        self
    }

    /// In the condition's states and accepted by it, in the order of its ORDER BY if it has one.
    pub fn query(mut self, condition: &'r QueryCondition) -> Self {
        self.states = condition.states();
        self.query = Some(condition);
        self
    }

    /// Reads them: they stay.
    ///
    /// # Errors
    /// [`UnknownInstance`](crate::error::DdsError::UnknownInstance) when an instance was named that is
    /// not known.
    pub fn read(self) -> DdsResult<Vec<Sample<T>>> {
        let mut samples = Vec::new();
        self.access(Access::Read, &mut samples)?;
        Ok(samples)
    }

    /// Takes them.
    ///
    /// # Errors
    /// As [`Select::read`].
    pub fn take(self) -> DdsResult<Vec<Sample<T>>> {
        let mut samples = Vec::new();
        self.access(Access::Take, &mut samples)?;
        Ok(samples)
    }

    /// Takes them in place of what a vector of the caller's holds: its memory and that of its samples, their
    /// strings and sequences, is used again. How many they were.
    ///
    /// # Errors
    /// As [`Select::read`].
    pub fn take_into(self, samples: &mut Vec<Sample<T>>) -> DdsResult<usize> {
        self.access(Access::Take, samples)
    }

    /// Reads them where they are: see [`Loan`].
    ///
    /// # Errors
    /// As [`Select::read`].
    pub fn read_loan(self) -> DdsResult<Loan<T>> {
        let reader = self.reader;
        self.with_selector(|selector| reader.lend(Access::Read, selector))
    }

    /// Takes them where they are: see [`Loan`].
    ///
    /// # Errors
    /// As [`Select::read`].
    pub fn take_loan(self) -> DdsResult<Loan<T>> {
        let reader = self.reader;
        self.with_selector(|selector| reader.lend(Access::Take, selector))
    }

    fn access(self, access: Access, samples: &mut Vec<Sample<T>>) -> DdsResult<usize> {
        let reader = self.reader;
        self.with_selector(|selector| reader.access(access, selector, samples))
    }

    fn with_selector<R>(self, act: impl FnOnce(&Selector<'_>) -> R) -> R {
        let accepts = self.query.map(|query| {
            let predicate = query.predicate();
            move |bytes: &[u8], content: Content| predicate(bytes, content)
        });
        let order = self.query.and_then(QueryCondition::order);
        let selector = Selector {
            instance: self.instance,
            states: self.states,
            max_samples: self.max_samples,
            predicate: accepts.as_ref().map(|accepts| accepts as &dyn Fn(&[u8], Content) -> bool),
            order: order.as_ref().map(|order| order as &SampleOrder<'_>),
        };
        act(&selector)
    }
}
