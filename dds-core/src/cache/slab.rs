//! Storage with small, reused indices, and doubly linked lists through what is stored.

use std::ops::{Index, IndexMut};

/// A place in a [`Slab`].
pub(super) type Place = u32;

/// No place.
pub(super) const NOWHERE: Place = u32::MAX;

#[derive(Debug)]
enum Slot<T> {
    Vacant { next: Place },
    Occupied(T),
}

/// Values at places that stay theirs until they are removed.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    vacant: Place,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), vacant: NOWHERE, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, value: T) -> Place {
        self.len += 1;
        if self.vacant == NOWHERE {
            let place = Place::try_from(self.slots.len()).unwrap_or(NOWHERE);
            assert_ne!(place, NOWHERE, "a cache holds fewer than 2³² − 1 entries");
            self.slots.push(Slot::Occupied(value));
            return place;
        }
        let place = self.vacant;
        let slot = &mut self.slots[place as usize];
        if let Slot::Vacant { next } = slot {
            self.vacant = *next;
        }
        *slot = Slot::Occupied(value);
        place
    }

    pub(super) fn remove(&mut self, place: Place) -> T {
        let slot = std::mem::replace(&mut self.slots[place as usize], Slot::Vacant { next: self.vacant });
        let Slot::Occupied(value) = slot else { unreachable!("place {place} is vacant") };
        self.vacant = place;
        self.len -= 1;
        value
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        (0..).zip(&self.slots).filter(|(_, slot)| matches!(slot, Slot::Occupied(_))).map(|(place, _)| place)
    }
}

impl<T> Index<Place> for Slab<T> {
    type Output = T;
    fn index(&self, place: Place) -> &T {
        match &self.slots[place as usize] {
            Slot::Occupied(value) => value,
            Slot::Vacant { .. } => unreachable!("place {place} is vacant"),
        }
    }
}

impl<T> IndexMut<Place> for Slab<T> {
    fn index_mut(&mut self, place: Place) -> &mut T {
        match &mut self.slots[place as usize] {
            Slot::Occupied(value) => value,
            Slot::Vacant { .. } => unreachable!("place {place} is vacant"),
        }
    }
}

/// A value's neighbours in one list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    previous: Place,
    next: Place,
    linked: bool,
}

impl Link {
    pub(super) const UNLINKED: Self = Self { previous: NOWHERE, next: NOWHERE, linked: false };

    pub(super) const fn is_linked(self) -> bool {
        self.linked
    }
}

/// A value that lies in lists, each with a number of its own.
pub(super) trait Linked {
    fn link(&self, list: usize) -> &Link;
    fn link_mut(&mut self, list: usize) -> &mut Link;
}

/// The ends of list number `LIST` through the values of a slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<const LIST: usize> {
    head: Place,
    tail: Place,
    len: u32,
}

impl<const LIST: usize> List<LIST> {
    pub(super) const EMPTY: Self = Self { head: NOWHERE, tail: NOWHERE, len: 0 };

    pub(super) const fn head(&self) -> Place {
        self.head
    }

    pub(super) const fn tail(&self) -> Place {
        self.tail
    }

    pub(super) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push_back<T: Linked>(&mut self, slab: &mut Slab<T>, place: Place) {
        self.insert_before(slab, NOWHERE, place);
    }

    /// Inserts before `next`, at the end when that is [`NOWHERE`].
    pub(super) fn insert_before<T: Linked>(&mut self, slab: &mut Slab<T>, next: Place, place: Place) {
        let previous = if next == NOWHERE { self.tail } else { slab[next].link(LIST).previous };
        *slab[place].link_mut(LIST) = Link { previous, next, linked: true };
        match previous {
            NOWHERE => self.head = place,
            _ => slab[previous].link_mut(LIST).next = place,
        }
        match next {
            NOWHERE => self.tail = place,
            _ => slab[next].link_mut(LIST).previous = place,
        }
        self.len += 1;
    }

    pub(super) fn remove<T: Linked>(&mut self, slab: &mut Slab<T>, place: Place) {
        let link = std::mem::replace(slab[place].link_mut(LIST), Link::UNLINKED);
        debug_assert!(link.linked);
        match link.previous {
            NOWHERE => self.head = link.next,
            previous => slab[previous].link_mut(LIST).next = link.next,
        }
        match link.next {
            NOWHERE => self.tail = link.previous,
            next => slab[next].link_mut(LIST).previous = link.previous,
        }
        self.len -= 1;
    }
}

/// The place after `place` in list `LIST`.
pub(super) fn next<const LIST: usize, T: Linked>(slab: &Slab<T>, place: Place) -> Place {
    slab[place].link(LIST).next
}

/// The place before `place` in list `LIST`.
pub(super) fn previous<const LIST: usize, T: Linked>(slab: &Slab<T>, place: Place) -> Place {
    slab[place].link(LIST).previous
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Node {
        links: [Link; 1],
        value: u32,
    }

    impl Linked for Node {
        fn link(&self, list: usize) -> &Link {
            &self.links[list]
        }
        fn link_mut(&mut self, list: usize) -> &mut Link {
            &mut self.links[list]
        }
    }

    fn values(slab: &Slab<Node>, list: List<0>) -> Vec<u32> {
        let mut values = Vec::new();
        let mut place = list.head();
        while place != NOWHERE {
            values.push(slab[place].value);
            place = next::<0, _>(slab, place);
        }
        assert_eq!(values.len(), list.len());
        values
    }

    #[test]
    fn places_are_reused_and_lists_keep_their_order() {
        let mut slab = Slab::new();
        let mut list = List::<0>::EMPTY;
        let places: Vec<_> =
            (0..4).map(|value| slab.insert(Node { links: [Link::UNLINKED], value })).collect();
        list.push_back(&mut slab, places[0]);
        list.push_back(&mut slab, places[2]);
        list.insert_before(&mut slab, places[2], places[1]);
        list.insert_before(&mut slab, places[0], places[3]);
        assert_eq!(values(&slab, list), [3, 0, 1, 2]);
        list.remove(&mut slab, places[0]);
        assert_eq!(values(&slab, list), [3, 1, 2]);
        slab.remove(places[0]);
        assert_eq!(slab.insert(Node { links: [Link::UNLINKED], value: 9 }), places[0]);
        assert_eq!(slab.len(), 4);
        for place in [3, 2, 1] {
            list.remove(&mut slab, place);
        }
        assert!(list.is_empty() && list.head() == NOWHERE && list.tail() == NOWHERE);
    }
}
