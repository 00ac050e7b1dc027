//! Which samples a reader has got of writers that a durability service may speak for.
//!
//! A service passes samples on under PID_ORIGINAL_WRITER_INFO (RTPS 2.5 §8.7.9). A reader may have them
//! from the first writer already, or from another service: then they are no news.

use std::collections::VecDeque;

use dds_rtps::{
    change::CacheChange,
    structure::{Guid, SequenceNumber},
};
use hashbrown::HashMap;

/// The latest sample got of each writer. Samples of one writer come in its order by whatever way, so
/// one that is no later than the latest has been here before, or comes too late to be shown.
#[derive(Debug, Default)]
pub(crate) struct Originals {
    latest: HashMap<Guid, Latest>,
    /// Those that are not matched, the longest known first.
    unmatched: VecDeque<Guid>,
}

#[derive(Debug, Default)]
struct Latest {
    number: SequenceNumber,
    matched: bool,
}

/// Writers remembered beyond those that are matched.
const UNMATCHED_KEPT: usize = 4096;

impl Originals {
    /// A writer whose samples others may pass on is matched.
    pub(crate) fn matched(&mut self, writer: Guid) {
        self.latest.entry(writer).or_default().matched = true;
    }

    /// A writer is gone; what it wrote may come from a service from now on.
    pub(crate) fn unmatched(&mut self, writer: Guid) {
        let Some(latest) = self.latest.get_mut(&writer) else { return };
        latest.matched = false;
        self.remember(writer);
    }

    /// Whether a change was got before.
    pub(crate) fn is_repeat(&self, change: &CacheChange) -> bool {
        if self.latest.is_empty() {
            return false;
        }
        let (writer, number) = change.identity();
        self.latest.get(&writer).is_some_and(|latest| number <= latest.number)
    }

    /// A change was got.
    pub(crate) fn note(&mut self, change: &CacheChange) {
        let (writer, number) = change.identity();
        if let Some(latest) = self.latest.get_mut(&writer) {
            latest.number = latest.number.max(number);
        } else if writer != change.writer_guid {
            self.latest.insert(writer, Latest { number, matched: false });
            self.remember(writer);
        }
    }

    fn remember(&mut self, writer: Guid) {
        self.unmatched.push_back(writer);
        while self.unmatched.len() > UNMATCHED_KEPT {
            let Some(oldest) = self.unmatched.pop_front() else { return };
            if self.latest.get(&oldest).is_some_and(|latest| !latest.matched) {
                self.latest.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dds_rtps::{
        message::{InlineQosToSend, OriginalWriterInfo},
        structure::{EntityId, EntityKind, GuidPrefix},
    };

    use super::*;

    fn guid(entity: u32) -> Guid {
        Guid::new(GuidPrefix([1; 12]), EntityId::new(entity, EntityKind::WRITER_WITH_KEY))
    }

    const SERVICE: u32 = 0x00ff_ffff;

    fn direct(writer: u32, number: i64) -> CacheChange {
        let sequence_number = SequenceNumber(number);
        CacheChange { writer_guid: guid(writer), sequence_number, ..CacheChange::default() }
    }

    fn passed_on(writer: u32, number: i64) -> CacheChange {
        let original =
            OriginalWriterInfo { writer_guid: guid(writer), sequence_number: SequenceNumber(number) };
        let inline = InlineQosToSend { original_writer_info: Some(original), ..Default::default() };
        CacheChange { inline_qos: Some(Box::new(inline)), ..direct(SERVICE, 1) }
    }

    #[test]
    fn what_came_from_the_writer_is_not_taken_from_a_service_nor_from_two() {
        let mut originals = Originals::default();
        originals.matched(guid(1));
        for number in 1..=3 {
            assert!(!originals.is_repeat(&direct(1, number)));
            originals.note(&direct(1, number));
        }
        originals.unmatched(guid(1));
        assert!(originals.is_repeat(&passed_on(1, 3)));
        assert!(!originals.is_repeat(&passed_on(1, 4)));
        originals.note(&passed_on(1, 4));
        assert!(originals.is_repeat(&passed_on(1, 4)), "from another service");
        assert!(!originals.is_repeat(&passed_on(2, 1)), "another writer's");
        assert!(!originals.is_repeat(&direct(3, 1)), "a writer that no service speaks for");
    }

    #[test]
    fn forged_writers_take_bounded_memory() {
        let mut originals = Originals::default();
        originals.matched(guid(0));
        for writer in 1..20_000 {
            originals.note(&passed_on(writer, 1));
        }
        assert!(originals.latest.len() <= UNMATCHED_KEPT + 1);
        assert!(originals.latest.contains_key(&guid(0)));
        assert!(originals.is_repeat(&passed_on(19_999, 1)));
    }
}
