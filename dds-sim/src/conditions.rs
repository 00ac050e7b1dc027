//! What a network does to datagrams.

use std::{ops::RangeInclusive, time::Duration};

/// What a network does to the datagrams on it. The default is a quiet local network: nothing is lost,
/// repeated or overtaken, and each datagram takes 50 to 100 µs.
///
/// Every copy of a multicast datagram meets its own fate, as behind different switch ports.
#[derive(Clone, PartialEq, Debug)]
pub struct NetworkConditions {
    pub(crate) loss: f64,
    pub(crate) duplicate: f64,
    pub(crate) reorder: f64,
    pub(crate) delay: RangeInclusive<Duration>,
    pub(crate) hold_back: RangeInclusive<Duration>,
}

impl Default for NetworkConditions {
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            delay: Duration::from_micros(50)..=Duration::from_micros(100),
            hold_back: Duration::from_micros(100)..=Duration::from_millis(5),
        }
    }
}

impl NetworkConditions {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Each datagram is lost with this probability, 0 to 1. Default 0.
    #[must_use]
    pub fn loss(mut self, probability: f64) -> Self {
        self.loss = checked(probability);
        self
    }

    /// Each datagram that is not lost arrives twice with this probability, 0 to 1. Default 0.
    #[must_use]
    pub fn duplicate(mut self, probability: f64) -> Self {
        self.duplicate = checked(probability);
        self
    }

    /// Each datagram is held back with this probability, 0 to 1, so that later ones overtake it.
    /// Others keep their order on their way from one host to another. Default 0.
    #[must_use]
    pub fn reorder(mut self, probability: f64) -> Self {
        self.reorder = checked(probability);
        self
    }

    /// How long a datagram takes, evenly spread. Default 50 to 100 µs.
    #[must_use]
    pub fn delay(mut self, range: RangeInclusive<Duration>) -> Self {
        self.delay = range;
        self
    }

    /// How much longer a datagram takes that is held back. Default 0.1 to 5 ms.
    #[must_use]
    pub fn hold_back(mut self, range: RangeInclusive<Duration>) -> Self {
        self.hold_back = range;
        self
    }
}

fn checked(probability: f64) -> f64 {
    assert!((0.0..=1.0).contains(&probability), "a probability is between 0 and 1, not {probability}");
    probability
}
