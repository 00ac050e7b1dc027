//! The same two engines with much beside the sample that is measured: instances, history, other endpoints,
//! other writers and readers of its topic.

use std::time::{Duration, Instant};

use dds_core::{DataReader, DataWriter, DdsType, error::DdsResult};

use crate::{Numbered, Pair};

/// 64 bytes of one of many instances.
#[derive(DdsType, Clone, PartialEq, Debug)]
#[dds(extensibility = "final")]
pub struct Keyed {
    /// The instance.
    #[dds(key)]
    pub instance: u64,
    /// The rest.
    pub payload: [u8; 56],
}

impl Numbered for Keyed {
    fn numbered(number: u64) -> Self {
        Self { instance: number, payload: [number as u8; 56] }
    }
}

/// What there is beside the sample that is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Instances that were written and are written again, in an order that jumps.
    pub instances: u64,
    /// Samples of each instance that both ends keep, and that lie there untaken.
    pub depth: u32,
    /// Endpoints of other topics, half of them in each participant.
    pub endpoints: usize,
    /// Writers of the topic, which write in turn.
    pub writers: usize,
    /// Readers of the topic in the other participant, each of which takes.
    pub readers: usize,
}

impl Scale {
    /// One of each, and nothing beside it.
    pub const ONE: Self = Self { instances: 1, depth: 1, endpoints: 0, writers: 1, readers: 1 };
}

/// Time that steps took.
#[derive(Clone, Copy, Default, Debug)]
pub struct Spent {
    /// In writes.
    pub write: Duration,
    /// From the datagram into the caches, and the acknowledgements' way back.
    pub deliver: Duration,
    /// In taking one sample from each reader.
    pub take: Duration,
}

/// A pair and what is beside it.
pub struct Scaled {
    pair: Pair<Keyed>,
    scale: Scale,
    writers: Vec<DataWriter<Keyed>>,
    readers: Vec<DataReader<Keyed>>,
    _others: (Vec<DataWriter<Keyed>>, Vec<DataReader<Keyed>>),
    written: u64,
}

/// Samples that are written at once before anything is measured.
const AT_ONCE: u64 = 100;

impl Scaled {
    /// Makes and matches everything, and fills the histories.
    ///
    /// # Errors
    /// When ends do not match, or anything is refused.
    pub fn new(scale: Scale) -> DdsResult<Self> {
        let mut pair = Pair::<Keyed>::with_history(scale.depth)?;
        let [publishing, subscribing] = &pair.ends;
        let mut others = (Vec::new(), Vec::new());
        for number in 0..scale.endpoints / 2 {
            let (written, read) = (format!("Written{number}"), format!("Read{number}"));
            others.0.push(publishing.topic::<Keyed>(&written)?.writer().reliable().build()?);
            others.1.push(subscribing.topic::<Keyed>(&read)?.reader().reliable().build()?);
        }
        let (mut writers, mut readers) = (vec![pair.writer.clone()], vec![pair.reader.clone()]);
        for _ in 1..scale.writers {
            let topic = publishing.topic::<Keyed>("Bench")?;
            writers.push(topic.writer().reliable().keep_last(scale.depth).build()?);
        }
        for _ in 1..scale.readers {
            let topic = subscribing.topic::<Keyed>("Bench")?;
            readers.push(topic.reader().reliable().keep_last(scale.depth).build()?);
        }
        pair.settle_until(|| {
            writers.iter().all(|writer| writer.matched_subscriptions().len() == scale.readers)
                && readers.iter().all(|reader| reader.matched_publications().len() == scale.writers)
        })?;
        let mut scaled = Self { pair, scale, writers, readers, _others: others, written: 0 };
        let total = scale.instances * u64::from(scale.depth);
        while scaled.written < total {
            for _ in 0..AT_ONCE.min(total - scaled.written) {
                let sample = Keyed::numbered(scaled.written % scale.instances);
                scaled.writers[0].write(&sample)?;
                scaled.written += 1;
            }
            scaled.settle();
            if scale.depth == 1 {
                for reader in &scaled.readers {
                    reader.take_into(&mut scaled.pair.samples)?;
                }
                scaled.pair.samples.clear();
            }
        }
        Ok(scaled)
    }

    /// An instance that is far from the last one.
    fn next(&mut self) -> Keyed {
        self.written += 1;
        // The golden ratio's multiplier: neighbours in time are none in the table.
        Keyed::numbered(self.written.wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.scale.instances)
    }

    /// Writes a sample with the writer whose turn it is; its datagrams wait on the wire.
    ///
    /// # Errors
    /// When the write is refused.
    pub fn write(&mut self) -> DdsResult<()> {
        let sample = self.next();
        let turn = self.written as usize % self.scale.writers;
        self.writers[turn].write(&sample)
    }

    /// Carries everything to its end.
    pub fn deliver(&mut self) {
        self.pair.deliver();
    }

    /// Takes one sample from each reader; how many that were.
    ///
    /// # Errors
    /// When a sample does not decode.
    pub fn take(&mut self) -> DdsResult<usize> {
        self.pair.samples.clear();
        let mut taken = 0;
        for reader in &self.readers {
            taken += reader.select().max_samples(1).take_into(&mut self.pair.samples)?;
        }
        Ok(taken)
    }

    /// Lets time pass, and carries what is sent by it.
    pub fn settle(&mut self) {
        self.pair.settle();
    }

    /// How many readers take.
    pub fn readers(&self) -> usize {
        self.readers.len()
    }

    /// Datagrams with which the writing end sends the next sample; it is delivered and taken.
    ///
    /// # Errors
    /// As [`Scaled::write`] and [`Scaled::take`].
    pub fn datagrams_of_one(&mut self) -> DdsResult<usize> {
        self.write()?;
        let waiting = self.pair.on_the_wire();
        self.deliver();
        self.take()?;
        self.settle();
        Ok(waiting)
    }

    /// Writes, delivers and takes `count` samples, one at a time.
    ///
    /// # Errors
    /// As [`Scaled::write`] and [`Scaled::take`].
    pub fn spend(&mut self, count: usize) -> DdsResult<Spent> {
        let mut spent = Spent::default();
        for _ in 0..count {
            let start = Instant::now();
            self.write()?;
            let written = Instant::now();
            self.deliver();
            let delivered = Instant::now();
            self.take()?;
            spent.take += delivered.elapsed();
            spent.deliver += delivered - written;
            spent.write += written - start;
            self.settle();
        }
        Ok(spent)
    }
}
