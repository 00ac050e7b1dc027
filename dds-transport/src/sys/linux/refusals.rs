//! Remembers destinations whose path refuses segmentation offload.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A small direct-mapped memory: a forgotten refusal only costs one more failing system call.
#[derive(Debug, Default)]
pub(super) struct Refusals([AtomicU64; 16]);

impl Refusals {
    pub(super) fn contains(&self, destination: IpAddr) -> bool {
        let (slot, mark) = self.slot(destination);
        slot.load(Ordering::Relaxed) == mark
    }

    pub(super) fn insert(&self, destination: IpAddr) {
        let (slot, mark) = self.slot(destination);
        slot.store(mark, Ordering::Relaxed);
    }

    /// The slot and a mark that is never 0, what an empty slot holds.
    fn slot(&self, destination: IpAddr) -> (&AtomicU64, u64) {
        let bits = match destination {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                (bits >> 64) as u64 ^ bits as u64
            }
        };
        let hash = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (&self.0[(hash >> 60) as usize], hash | 1)
    }
}
