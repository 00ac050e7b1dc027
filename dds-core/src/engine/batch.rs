//! When changes leave that are written closely together.
//!
//! A write on a *hot* line, one that has just been written on, only appends: a writer in a loop coalesces by
//! itself, while the first samples never wait. The batch leaves with the first write after the line has cooled down,
//! when it is full, or when its window ends.

use dds_qos::Duration;
use dds_rtps::{
    change::CacheChange,
    message::Datagram,
    time::Monotonic,
    writer::{LEAST_BY_REFERENCE, StatefulWriter},
};

/// Writes this close to each other, with nothing received in between, make the line hot: what answers a
/// sample, and somebody may wait for, is never held back; a writer that is slower can afford a system call for
/// each sample. The time that sending took does not count, in which receivers may have had this processor.
const HOT_NANOS: u64 = 10_000;

/// So many writes that follow one closely leave as it did: one that only catches up, after it slept for too long, has
/// nothing more to send together, and a batch that the timer has to send costs more than it spares.
const WRITES_BEFORE_BATCH: u32 = 3;

/// How writes that follow each other closely are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    /// The batch leaves when it holds this many payload bytes.
    pub(crate) bytes: usize,
    /// How long the first change of a batch waits at most.
    pub(crate) window: Duration,
}

impl Batching {
    /// Through shared memory, of samples that a message refers to, so that it costs the same whatever is in it: about
    /// what fits into one.
    fn shared_bytes(self) -> usize {
        self.bytes.saturating_mul(3)
    }
}

/// A writer's batch, open or to come.
#[derive(Debug)]
pub(super) struct Batch {
    batching: Batching,
    /// When the last write began.
    last_write: Monotonic,
    /// Writes that followed each other closely up to that one.
    close_writes: u32,
    /// [`Engine::arrivals`](super::Engine) then.
    arrivals: u64,
    /// When the open batch leaves at the latest.
    due: Option<Monotonic>,
}

impl Batch {
    pub(super) fn new(batching: Batching) -> Self {
        Self { batching, last_write: Monotonic::ZERO, close_writes: 0, arrivals: 0, due: None }
    }

    /// Has this window from now on; a batch that is open leaves when it would have.
    pub(super) fn set_window(&mut self, window: Duration) {
        self.batching.window = window;
    }

    /// Notes a write; whether what is pending may wait for more to leave with it. A thread came back from sending at
    /// `sent`; where the user `gathers` changes, also the first may.
    pub(super) fn may_wait(
        &mut self,
        now: Monotonic,
        arrivals: u64,
        sent: Monotonic,
        gathers: bool,
        machine: &StatefulWriter,
    ) -> bool {
        let since = now.nanos_since(std::mem::replace(&mut self.last_write, now).max(sent));
        let is_answer = std::mem::replace(&mut self.arrivals, arrivals) != arrivals;
        let is_close = since < HOT_NANOS && !is_answer;
        self.close_writes = if is_close { self.close_writes.saturating_add(1) } else { 0 };
        (self.close_writes > WRITES_BEFORE_BATCH || gathers)
            && !machine.has_attention()
            && !self.is_full(machine)
            && self.due.is_none_or(|due| now < due)
    }

    /// Whether as much is pending as leaves together.
    fn is_full(&self, machine: &StatefulWriter) -> bool {
        let pending = machine.pending_bytes();
        if pending < self.batching.bytes {
            return false;
        }
        let history = machine.history();
        let goes_by_reference = |change: &CacheChange| {
            let size = change.payload.len();
            machine.is_line_shared() && size > Datagram::LARGEST_COPIED && size < LEAST_BY_REFERENCE
        };
        let last = history.change(history.last_number());
        pending >= self.batching.shared_bytes() || !last.is_some_and(goes_by_reference)
    }

    /// Something waits from now on.
    pub(super) fn open(&mut self, now: Monotonic) {
        let due = now.after(self.batching.window);
        self.due.get_or_insert(due);
    }

    /// All of it leaves.
    pub(super) fn close(&mut self) {
        self.due = None;
    }

    /// When a timer is to send it.
    pub(super) fn timeout(&self) -> Monotonic {
        // While the loop goes on, its next write sends the batch, and needs no other thread for it.
        let cooled = Monotonic::from_nanos(self.last_write.as_nanos().saturating_add(HOT_NANOS));
        self.due.map_or(Monotonic::NEVER, |due| due.max(cooled))
    }
}
