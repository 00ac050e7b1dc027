//! Right-sized buffers for kept samples.

use dds_rtps::payload::{Payload, PayloadPool};

/// Copies samples that would pin a much larger buffer, into recycled buffers of size classes.
#[derive(Debug)]
pub(super) struct SampleBuffers {
    classes: [PayloadPool; Self::CLASSES],
}

impl SampleBuffers {
    /// Capacities 64, 128, … 64 KiB.
    const CLASSES: usize = 11;
    const SMALLEST: usize = 64;
    /// Bytes of idle buffers kept in each class: more than what arrives between two takes. Small samples
    /// come in larger numbers, and each costs a good deal beside its bytes.
    const fn idle(class: usize) -> usize {
        match Self::SMALLEST << class {
            ..1024 => 4 << 20,
            _ => 1 << 20,
        }
    }

    pub(super) fn new() -> Self {
        Self { classes: std::array::from_fn(|class| PayloadPool::new(Self::idle(class))) }
    }

    /// `payload` itself, or a copy when it keeps far more memory than its length from being freed.
    pub(super) fn keep(&mut self, payload: Payload) -> Payload {
        let worth_keeping = (payload.len() * 2).max(Self::SMALLEST);
        if payload.retained() > worth_keeping { self.copy(&payload) } else { payload }
    }

    /// A copy of `bytes` in a buffer of at most twice their length, or of 64 bytes.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Payload {
        let Some(class) = Self::class(bytes.len()) else { return Payload::from(bytes) };
        let mut buffer = self.classes[class].checkout();
        buffer.bytes_mut().reserve_exact(Self::SMALLEST << class);
        buffer.bytes_mut().extend_from_slice(bytes);
        buffer.seal()
    }

    /// Takes a buffer back, if this was its last holder and it is one of a class.
    pub(super) fn recycle(&mut self, payload: Payload) {
        let capacity = payload.retained();
        let class = (capacity / Self::SMALLEST).trailing_zeros() as usize;
        if class < Self::CLASSES && capacity == Self::SMALLEST << class {
            self.classes[class].recycle(payload);
        }
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
    fn buffers_come_back() {
        let mut buffers = SampleBuffers::new();
        let kept = buffers.copy(&[1; 100]);
        let address = kept.as_ptr();
        buffers.recycle(kept);
        assert_eq!(buffers.copy(&[2; 80]).as_ptr(), address);
    }
}
