//! The readers that get each new change together, folded to what a datagram for all of them needs.

use smallvec::SmallVec;

use super::{Destinations, MessageSizes, ReaderProxy};
use crate::structure::{EntityId, GuidPrefix, Locator, LocatorKind};

/// The readers in line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) stale: bool,
    /// Single participants first, so that INFO_DST is in the message, then groups.
    pub(super) destinations: Destinations,
    /// Bytes of a message for all of them.
    pub(super) room: usize,
    /// The one reader addressed, or UNKNOWN for all at the destinations.
    pub(super) reader_id: EntityId,
    pub(super) readers: usize,
    pub(super) reliable: bool,
    pub(super) inline_qos: bool,
    /// All destinations share memory with the writer.
    pub(super) shared: bool,
}

impl Line {
    pub(super) fn of<'p>(
        readers: impl Iterator<Item = &'p ReaderProxy> + Clone,
        sizes: &MessageSizes,
    ) -> Self {
        let groups = groups_that_pay(readers.clone());
        let mut line = Self::default();
        for proxy in readers.clone() {
            if group_of(proxy).is_none_or(|group| !groups.contains(&group)) {
                for locator in &proxy.config.locators {
                    let destination = (proxy.config.guid.prefix, *locator);
                    if !line.destinations.contains(&destination) {
                        line.destinations.push(destination);
                    }
                }
            }
            line.readers = line.readers.saturating_add(1);
            line.reader_id = proxy.config.guid.entity_id;
            line.reliable |= proxy.config.reliable;
            line.inline_qos |= proxy.config.expects_inline_qos;
        }
        line.destinations.extend(groups.into_iter().map(|group| (GuidPrefix::UNKNOWN, group)));
        let is_shared = |(_, locator): &(GuidPrefix, Locator)| locator.kind == LocatorKind::SHARED_MEMORY;
        line.shared = !line.destinations.is_empty() && line.destinations.iter().all(is_shared);
        if line.readers != 1 {
            line.reader_id = EntityId::UNKNOWN;
        }
        line.room = sizes.of(readers.flat_map(|proxy| &proxy.config.locators));
        line
    }
}

/// The group at which a reader can be sent what goes to all.
fn group_of(proxy: &ReaderProxy) -> Option<Locator> {
    proxy.config.group.filter(|_| !shares_memory(proxy)).map(|group| group.locator)
}

fn shares_memory(proxy: &ReaderProxy) -> bool {
    proxy.config.locators.iter().any(|locator| locator.kind == LocatorKind::SHARED_MEMORY)
}

/// The groups that take the place of at least two destinations.
fn groups_that_pay<'p>(readers: impl Iterator<Item = &'p ReaderProxy> + Clone) -> SmallVec<[Locator; 1]> {
    // Its samples would overtake each other, of which it drops the late ones.
    let would_lose =
        |proxy: &ReaderProxy| !proxy.config.reliable && proxy.config.group.is_some() && shares_memory(proxy);
    let mut groups: SmallVec<[(Locator, GuidPrefix, bool); 1]> = SmallVec::new();
    for proxy in readers.clone() {
        let Some(group) = group_of(proxy).filter(|_| proxy.config.group.is_some_and(|group| group.pays))
        else {
            continue;
        };
        let prefix = proxy.config.guid.prefix;
        match groups.iter_mut().find(|(known, ..)| *known == group) {
            Some((_, first, pays)) => *pays |= *first != prefix,
            None => groups.push((group, prefix, false)),
        }
    }
    groups.retain(|(.., pays)| *pays);
    if !groups.is_empty() && readers.clone().any(would_lose) {
        groups.clear();
    }
    groups.into_iter().map(|(group, ..)| group).collect()
}
