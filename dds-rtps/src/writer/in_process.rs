//! Delivery to readers of the writer's own participant, which take changes as they are.
//!
//! Only data goes this way, and only while nothing is to be said beside it. What a reader does not take
//! (it has no room, or does not know the writer yet) it is sent again as any other reader is: heartbeats,
//! acknowledgements and repairs are messages.
//!
//! Where all readers are such and none lacks anything, a change need not enter the history at all: see
//! [`can_pass_on`](StatefulWriter::can_pass_on).

use super::{ReaderProxy, StatefulWriter, reader_proxy::Position};
use crate::{
    change::CacheChange,
    structure::{Guid, SequenceNumber},
    time::Monotonic,
};

impl StatefulWriter {
    /// From now on a matched reader is handed changes by [`poll_in_process`](Self::poll_in_process), once
    /// it has what was written before. Not for readers that filter or want QoS inline.
    pub fn serve_in_process(&mut self, reader: Guid) {
        let cursor = self.cursor;
        let Some(proxy) = self.proxies.get_mut(&reader) else { return };
        proxy.in_process = true;
        if proxy.position == Position::InLine {
            proxy.position = Position::InProcess { next: cursor };
            self.line.stale = true;
        }
        self.count_in_process();
    }

    pub(super) fn count_in_process(&mut self) {
        self.in_process = self.proxies.values().filter(|proxy| proxy.in_process).count();
    }

    /// Whether some reader is served in process.
    pub fn has_in_process(&self) -> bool {
        self.in_process > 0
    }

    /// Whether the readers that get messages all do by shared memory, as far as known from the last message.
    pub const fn is_line_shared(&self) -> bool {
        self.line.shared
    }

    /// Whether there are readers that get messages, or may be.
    pub fn has_line(&mut self) -> bool {
        if self.in_process == 0 {
            return true;
        }
        self.refresh_line();
        self.line.readers > 0
    }

    /// The next change to be handed over, and to whom; call until `None`. What came of each is to be told to
    /// [`taken_in_process`](Self::taken_in_process).
    pub fn poll_in_process(&mut self) -> Option<(Guid, CacheChange)> {
        let last = self.history.last_number();
        for (guid, proxy) in &mut self.proxies {
            let Position::InProcess { next } = proxy.position else { continue };
            if next > last {
                continue;
            }
            let plain = |change: &&CacheChange| change.inline_qos.is_none() && change.audience.is_all();
            match self.history.change(next).filter(plain) {
                Some(change) => {
                    proxy.position = Position::InProcess { next: next.next() };
                    return Some((*guid, change.clone()));
                }
                None => {
                    proxy.position = Position::Behind { next, fragment: 1 };
                    self.attention.insert(*guid);
                }
            }
        }
        None
    }

    /// Whether nothing is held or to be said, and every reader is served in process and has all that was
    /// written: whoever gives the next change to all of them need not have it kept. It then calls
    /// [`pass_on`](Self::pass_on) instead of [`add_change`](Self::add_change).
    pub fn can_pass_on(&self) -> bool {
        let last = self.history.last_number();
        let is_up_to_date = |proxy: &ReaderProxy| {
            proxy.position == Position::InProcess { next: last.next() }
                && (!proxy.config.reliable || proxy.acknowledged == last)
        };
        self.in_process > 0
            && self.history.is_empty()
            && self.attention.is_empty()
            && !self.liveliness_wanted
            && !self.heartbeat_owed
            && self.filters.is_none()
            && self.group.is_none()
            && self.proxies.values().all(is_up_to_date)
    }

    /// Uses up the next number for a change that every reader has got; which it is.
    pub fn pass_on(&mut self) -> SequenceNumber {
        let number = self.history.skip();
        for proxy in self.proxies.values_mut() {
            proxy.position = Position::InProcess { next: number.next() };
            if proxy.config.reliable {
                proxy.acknowledged = number;
            }
        }
        if self.acknowledged.is_some() {
            self.acknowledged = Some(number);
        }
        (self.cursor, self.cursor_fragment) = (number.next(), 1);
        number
    }

    /// A reader that was handed changes has all up to `through`.
    pub fn taken_in_process(&mut self, now: Monotonic, reader: Guid, through: SequenceNumber) {
        let last = self.history.last_number();
        let Some(proxy) = self.proxies.get_mut(&reader).filter(|proxy| proxy.config.reliable) else { return };
        let progress = proxy.acknowledge(through.min(last));
        let owed = proxy.acknowledged < last;
        if progress {
            self.note_progress();
        }
        if owed {
            self.arm_heartbeat(now);
        }
    }
}
