//! Readers as streams.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use dds_types::TopicType;
use futures_core::Stream;

use super::DataReader;
use crate::{
    condition::Subscription,
    error::DdsResult,
    sample::{DataState, Sample},
};

/// The samples of a reader, taken one after the other; it never ends by itself. Works on any executor.
#[derive(Debug)]
pub struct SampleStream<T: TopicType> {
    reader: DataReader<T>,
    subscription: Subscription,
    taken: VecDeque<Sample<T>>,
}

/// Short for the item of a [`SampleStream`].
pub type Samples<T> = DdsResult<Sample<T>>;

/// Samples taken at once; the rest waits in the reader, where limits and ownership still apply.
const TAKEN_AT_ONCE: usize = 64;

impl<T: TopicType> DataReader<T> {
    /// The samples to come, and those that were not read, as a stream.
    pub fn stream(&self) -> SampleStream<T> {
        let subscription = self.endpoint().observer.notifier.subscribe();
        SampleStream { reader: self.clone(), subscription, taken: VecDeque::new() }
    }
}

impl<T: TopicType> Unpin for SampleStream<T> {}

impl<T: TopicType> Stream for SampleStream<T> {
    type Item = Samples<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Samples<T>>> {
        let Self { reader, subscription, taken } = self.get_mut();
        loop {
            if let Some(sample) = taken.pop_front() {
                return Poll::Ready(Some(Ok(sample)));
            }
            let look = || reader.has_data(DataState::NOT_READ).then_some(());
            if subscription.poll_until(context, look).is_pending() {
                return Poll::Pending;
            }
            match reader.select().not_read().max_samples(TAKEN_AT_ONCE).take() {
                Ok(samples) => taken.extend(samples),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}
