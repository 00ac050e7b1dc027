//! Datagrams that leave in one system call.

use dds_rtps::{
    message::Datagram,
    structure::LocatorKind,
    time::Monotonic,
    writer::{Destinations, StatefulWriter},
};
use dds_transport::MAX_UDP_PAYLOAD;

/// The most datagrams that every kernel with UDP_SEGMENT takes in one call.
const LONGEST: usize = 64;

/// Datagrams for the same destinations and of one length but for the last, which may be shorter. Its buffers are
/// kept for their memory.
#[derive(Default)]
pub(super) struct Train {
    /// First those of the train, then what was made and goes elsewhere, if anything, then spare ones.
    datagrams: Vec<Datagram>,
    length: usize,
    /// Where the datagram after the train goes.
    left_over: Option<Destinations>,
}

impl Train {
    /// The datagram to be made next, the first of a train.
    pub(super) fn begin(&mut self) -> &mut Datagram {
        self.length = 1;
        self.datagram(0)
    }

    /// Begins with what was made and did not belong to the train before, if there is anything: where it goes.
    pub(super) fn begin_with_left_over(&mut self) -> Option<Destinations> {
        let left_over = self.left_over.take()?;
        self.datagrams.swap(0, self.length);
        self.length = 1;
        Some(left_over)
    }

    /// Whether there is such.
    pub(super) fn has_left_over(&self) -> bool {
        self.left_over.is_some()
    }

    /// Adds what else a writer has for these destinations, as much as one system call sends.
    pub(super) fn lengthen(
        &mut self,
        now: Monotonic,
        machine: &mut StatefulWriter,
        destinations: &Destinations,
    ) {
        let is_by_network = |kind| matches!(kind, LocatorKind::UDP_V4 | LocatorKind::UDP_V6);
        if !destinations.iter().all(|(_, locator)| is_by_network(locator.kind)) {
            return;
        }
        let size = self.datagram(0).len();
        let mut bytes = size;
        while bytes + size <= MAX_UDP_PAYLOAD && self.length < LONGEST && machine.wants_transmit() {
            let next = self.datagram(self.length);
            let Some(others) = machine.poll_transmit(now, next) else { break };
            let length = next.len();
            if length > size || others != *destinations {
                self.left_over = Some(others);
                break;
            }
            self.length += 1;
            bytes += length;
            if length < size {
                break;
            }
        }
    }

    /// All that leaves together.
    pub(super) fn datagrams(&mut self) -> &mut [Datagram] {
        &mut self.datagrams[..self.length]
    }

    /// Lets go of the payloads.
    pub(super) fn clear(&mut self) {
        self.datagrams.iter_mut().for_each(Datagram::clear);
        self.length = 0;
    }

    fn datagram(&mut self, index: usize) -> &mut Datagram {
        if self.datagrams.len() <= index {
            self.datagrams.resize_with(index + 1, Datagram::default);
        }
        &mut self.datagrams[index]
    }
}
