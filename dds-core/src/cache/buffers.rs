//! Right-sized buffers for kept samples.

use dds_rtps::payload::{Payload, PayloadBuffer, PayloadPool};

/// Copies samples that would pin a much larger buffer, into recycled buffers of size classes.
#[derive(Debug)]
pub(super) struct SampleBuffers {
    classes: [Vec<PayloadBuffer>; Self::CLASSES],
    /// Bytes of idle buffers in all classes.
    idle: usize,
}

impl SampleBuffers {
    /// Capacities 64, 128, … 64 KiB.
    const CLASSES: usize = 11;
    const SMALLEST: usize = 64;
    /// Bytes of idle buffers that every class may keep.
    const IDLE: usize = 1 << 20;
    /// Bytes of idle buffers kept beyond that, in all: more than what arrives between two takes.
    const IDLE_IN_ALL: usize = 4 << 20;

    pub(super) fn new() -> Self {
        Self { classes: Default::default(), idle: 0 }
    }

    /// `payload` itself, or a copy when it keeps far more of the heap than its length from being freed.
    #[inline]
    pub(super) fn keep(&mut self, payload: Payload) -> Payload {
        if payload.memory().is_some() {
            return payload;
        }
        let worth_keeping = (payload.len() * 2).max(Self::SMALLEST);
        if payload.retained() > worth_keeping { self.copy(&payload) } else { payload }
    }

    /// A copy of `bytes` in a buffer of at most twice their length, or of 64 bytes.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Payload {
        let Some(class) = Self::class(bytes.len()) else { return Payload::from(bytes) };
        let mut buffer = match self.classes[class].pop() {
            Some(buffer) => {
                self.idle -= Self::footprint(class);
                buffer
            }
            None => PayloadBuffer::with_capacity(Self::SMALLEST << class),
        };
        buffer.bytes_mut().extend_from_slice(bytes);
        buffer.seal()
    }

    /// Takes a buffer back, if this was its last holder and it is one of a class.
    pub(super) fn recycle(&mut self, payload: Payload) {
        let capacity = payload.retained();
        let class = (capacity / Self::SMALLEST).trailing_zeros() as usize;
        if class < Self::CLASSES && capacity == Self::SMALLEST << class {
            let free = &mut self.classes[class];
            let may_lie = self.idle < Self::IDLE_IN_ALL || free.len() * Self::footprint(class) < Self::IDLE;
            if let Some(buffer) = payload.into_buffer().filter(|_| may_lie) {
                free.push(buffer);
                self.idle += Self::footprint(class);
            }
        }
    }

    /// Bytes that a buffer of a class takes.
    const fn footprint(class: usize) -> usize {
        (Self::SMALLEST << class) + PayloadPool::OVERHEAD
    }

    fn class(len: usize) -> Option<usize> {
        let class = len.div_ceil(Self::SMALLEST).max(1).next_power_of_two().trailing_zeros() as usize;
        (class < Self::CLASSES).then_some(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_sample_does_not_pin_its_datagram() {
        let mut buffers = SampleBuffers::new();
        let datagram = Payload::from(vec![7; 65_000]);
        for len in [0, 1, 64, 65, 1000, 1344, 20_000, 32_000] {
            let kept = buffers.keep(datagram.slice(10, 10 + len));
            assert!(kept.retained() <= (2 * len).max(64), "{len}: {}", kept.retained());
            assert_eq!(kept.len(), len);
        }
        let large = datagram.slice(0, 40_000);
        assert_eq!(buffers.keep(large.clone()).as_ptr(), large.as_ptr());
    }

    #[test]
    fn idle_buffers_are_bounded_in_each_class_and_in_all() {
        let mut buffers = SampleBuffers::new();
        for len in [60, 1_000, 8_000, 60_000] {
            let many: Vec<Payload> = (0..(5 << 20) / len).map(|_| buffers.copy(&vec![1; len])).collect();
            many.into_iter().for_each(|payload| buffers.recycle(payload));
        }
        let idle: Vec<usize> = (0..)
            .zip(&buffers.classes)
            .map(|(class, free)| free.len() * SampleBuffers::footprint(class))
            .filter(|idle| *idle > 0)
            .collect();
        assert_eq!(idle.iter().sum::<usize>(), buffers.idle);
        assert_eq!(idle.len(), 4);
        let spare = 70_000;
        assert!(idle[0] <= SampleBuffers::IDLE_IN_ALL + spare);
        assert!(idle[1..].iter().all(|idle| *idle <= SampleBuffers::IDLE + spare), "{idle:?}");
        let taken: Vec<Payload> = (0..100_000).map(|_| buffers.copy(&[1; 60])).collect();
        assert!(buffers.classes[0].is_empty());
        assert_eq!(idle[1..].iter().sum::<usize>(), buffers.idle);
        drop(taken);
    }

    #[test]
    fn buffers_come_back() {
        let mut buffers = SampleBuffers::new();
        let kept = buffers.copy(&[1; 100]);
        let address = kept.as_ptr();
        buffers.recycle(kept);
        assert_eq!(buffers.copy(&[2; 80]).as_ptr(), address);
    }
}
