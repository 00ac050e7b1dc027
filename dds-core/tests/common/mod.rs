//! What the tests of live participants share.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    task::{Context, Poll, Wake},
    time::Duration,
};

use dds_core::{
    DataReader, DdsType, DomainParticipant, DomainParticipantFactory, ParticipantBuilder, ParticipantConfig,
    sample::Sample, types::TopicType,
};
use futures_core::Stream;

/// How long to wait for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

#[derive(DdsType, Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    #[dds(key)]
    pub sensor: u32,
    pub value: u64,
}

pub fn reading(sensor: u32, value: u64) -> Reading {
    Reading { sensor, value }
}

/// A domain on loopback that no other test and no other run shares: its tag is its own.
pub struct Domain {
    id: u32,
    tag: String,
}

impl Domain {
    pub fn new(id: u32) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self { id, tag: format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)) }
    }

    pub fn config(&self) -> ParticipantConfig {
        ParticipantConfig { domain_tag: self.tag.clone(), ..ParticipantConfig::loopback_only() }
    }

    pub fn builder(&self) -> ParticipantBuilder {
        self.builder_of(&DomainParticipantFactory::new())
    }

    pub fn builder_of(&self, factory: &DomainParticipantFactory) -> ParticipantBuilder {
        factory.participant(self.id).config(self.config())
    }

    pub fn participant(&self) -> DomainParticipant {
        self.builder().build().unwrap()
    }
}

/// The next sample, taken.
pub fn next<T: TopicType>(reader: &DataReader<T>) -> Sample<T> {
    reader.wait_for_data(PATIENCE.into()).unwrap();
    reader.take_next_sample().unwrap().unwrap()
}

/// Takes until there are `count` samples with data.
pub fn take_data<T: TopicType>(reader: &DataReader<T>, count: usize) -> Vec<T> {
    let mut taken = Vec::new();
    while taken.len() < count {
        reader.wait_for_data(PATIENCE.into()).unwrap();
        taken.extend(reader.take().unwrap().into_iter().filter_map(Sample::into_data));
    }
    taken
}

/// Waits for what no condition tells of.
///
/// # Panics
/// When it does not happen in time.
#[expect(clippy::disallowed_methods, reason = "a test gives up by the real clock")]
pub fn wait_for(mut happened: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "it does not happen");
        std::thread::yield_now();
    }
}

/// The smallest executor: polls on this thread whenever the future asks for it.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Poke(SyncSender<()>);
    impl Wake for Poke {
        fn wake(self: Arc<Self>) {
            let _ = self.0.try_send(());
        }
    }
    let (sender, woken) = sync_channel(1);
    let waker = Arc::new(Poke(sender)).into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        woken.recv_timeout(PATIENCE).expect("nobody wakes the task");
    }
}

/// The next item of a stream that does not end.
pub async fn first<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await.expect("it never ends")
}

/// Polls once.
pub async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_pending())).await
}
