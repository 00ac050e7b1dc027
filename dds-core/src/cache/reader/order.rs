//! The order of samples across the readers of a subscriber (PRESENTATION access scope GROUP).

use super::ReaderCache;
use crate::{
    cache::slab::{self, NOWHERE, Place},
    sample::{DataState, SampleState},
};

/// The turn of each sample among those of all readers of the subscriber.
#[derive(Debug, Default)]
pub(super) struct GroupOrder {
    /// Of what is stored now.
    turn: u64,
    turns: Vec<u64>,
}

impl GroupOrder {
    pub(super) fn note(&mut self, place: Place) {
        let index = place as usize;
        if self.turns.len() <= index {
            self.turns.resize(index + 1, 0);
        }
        self.turns[index] = self.turn;
    }
}

impl ReaderCache {
    /// What is stored from now on has this turn among the samples of all readers of the subscriber.
    pub fn set_turn(&mut self, turn: u64) {
        self.link_fresh();
        self.order.get_or_insert_default().turn = turn;
    }

    /// The turns of the samples in these states, in the order of their arrival.
    pub fn turns(&self, states: DataState) -> Vec<u64> {
        let mut turns = Vec::new();
        let mut place = self.arrival.head();
        while place != NOWHERE {
            let stored = &self.samples[place];
            let instance = &self.instances[stored.instance];
            let sample = if stored.is_unread() { SampleState::NotRead } else { SampleState::Read };
            if states.contains(sample, instance.view, instance.state) {
                let turn = self.order.as_ref().and_then(|order| order.turns.get(place as usize));
                turns.push(turn.copied().unwrap_or(0));
            }
            place = slab::next::<{ super::entries::ARRIVAL }, _>(&self.samples, place);
        }
        turns
    }
}
