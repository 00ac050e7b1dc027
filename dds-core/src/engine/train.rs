//! Datagrams that leave in one system call.

use dds_rtps::{
    message::Datagram,
    structure::LocatorKind,
    time::Monotonic,
    writer::{Destinations, StatefulWriter},
};

/// What one system call sends at most: the payload of the largest UDP datagram.
const LARGEST: usize = 65_507;

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
    /// Has the next datagrams of a writer, as many as can leave together, and says where they go; `None` when
    /// nothing is to be sent now. Call until `None`.
    pub(super) fn fill(&mut self, now: Monotonic, machine: &mut StatefulWriter) -> Option<Destinations> {
        let left_over = self.left_over.take();
        if left_over.is_some() {
            self.datagrams.swap(0, self.length);
        }
        self.length = 0;
        let destinations = match left_over {
            Some(destinations) => destinations,
            None => machine.poll_transmit(now, self.datagram(0))?,
        };
        self.length = 1;
        let is_by_network = |kind| matches!(kind, LocatorKind::UDP_V4 | LocatorKind::UDP_V6);
        if !destinations.iter().all(|(_, locator)| is_by_network(locator.kind)) {
            return Some(destinations);
        }
        let size = self.datagram(0).len();
        let mut bytes = size;
        while bytes + size <= LARGEST && self.length < LONGEST && machine.wants_transmit() {
            let next = self.datagram(self.length);
            let Some(others) = machine.poll_transmit(now, next) else { break };
            let length = next.len();
            if length > size || others != destinations {
                self.left_over = Some(others);
                break;
            }
            self.length += 1;
            bytes += length;
            if length < size {
                break;
            }
        }
        Some(destinations)
    }

    /// What [`fill`](Self::fill) yielded.
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
