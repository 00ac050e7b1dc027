//! One message to send: bytes of its own, and payloads by reference.

use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::{payload::Payload, structure::GuidPrefix, time::Timestamp};

/// One message to send.
///
/// Large payloads are not copied into it: [`pieces`](Self::pieces) gives the message's bytes and
/// the payloads in turn, for one gathering system call. Cleared and filled again it allocates
/// nothing. [`MessageBuilder`](super::MessageBuilder) fills it.
#[derive(Clone, Debug, Default)]
pub struct Datagram {
    bytes: Vec<u8>,
    /// Payloads and before which of `bytes` they belong, ascending.
    splices: SmallVec<[(usize, Payload); 4]>,
    /// How many bytes the payloads have.
    spliced: usize,
    /// Where in `bytes` the prefixes of the INFO_DST submessages are.
    destinations: SmallVec<[usize; 4]>,
    /// The state a receiver has after reading all of this.
    pub(super) destination: GuidPrefix,
    pub(super) timestamp: Option<Timestamp>,
}

impl Datagram {
    /// Payloads up to this length are copied: cheaper than a reference and one more piece.
    pub const LARGEST_COPIED: usize = 256;

    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The message's length in bytes, payloads included.
    pub fn len(&self) -> usize {
        self.bytes.len().saturating_add(self.spliced)
    }

    /// How many bytes of it are payloads by reference.
    pub const fn spliced_len(&self) -> usize {
        self.spliced
    }

    /// Whether there is nothing, not even a header.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Empties it and keeps its memory. Payloads are let go of.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.splices.clear();
        self.spliced = 0;
        self.destinations.clear();
        self.destination = GuidPrefix::UNKNOWN;
        self.timestamp = None;
    }

    /// Writes `prefix` into every INFO_DST, so that the same message can go to one participant
    /// after the other. Does nothing when there is no INFO_DST.
    pub fn set_destination(&mut self, prefix: GuidPrefix) {
        for offset in &self.destinations {
            let place = self.bytes.get_mut(*offset..).and_then(|rest| rest.first_chunk_mut());
            if let Some(place) = place {
                *place = prefix.0;
            }
        }
        if !self.destinations.is_empty() {
            self.destination = prefix;
        }
    }

    /// The message in pieces, none of them empty.
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { datagram: self, position: 0, splice: 0, in_payload: false }
    }

    /// The message in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        self.pieces().for_each(|piece| all.extend_from_slice(piece));
        all
    }

    /// The message's bytes without the payloads that are held by reference.
    pub fn own_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The payloads that are held by reference, and before which of the [own bytes](Self::own_bytes) they belong.
    pub fn payloads(&self) -> impl ExactSizeIterator<Item = (usize, &Payload)> + Clone {
        self.splices.iter().map(|(at, payload)| (*at, payload))
    }

    /// Replaces each payload that is held by reference by an equal one that lies elsewhere.
    pub fn replace_payloads(&mut self, mut other: impl FnMut(&Payload) -> Payload) {
        for (_, payload) in &mut self.splices {
            let other = other(payload);
            if payload.len() == other.len() {
                *payload = other;
            }
        }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends a payload, and zeros up to a multiple of four bytes.
    pub(super) fn push_payload(&mut self, payload: &Payload) {
        let bytes = payload.as_slice();
        if bytes.len() <= Self::LARGEST_COPIED {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.splices.push((self.bytes.len(), payload.clone()));
            self.spliced = self.spliced.saturating_add(bytes.len());
        }
        let padding = bytes.len().wrapping_neg() & 3;
        self.bytes.resize(self.bytes.len().saturating_add(padding), 0);
    }

    /// Says that the INFO_DST just written ends here.
    pub(super) fn mark_destination(&mut self) {
        self.destinations.push(self.bytes.len().saturating_sub(size_of::<GuidPrefix>()));
    }
}

impl From<Vec<u8>> for Datagram {
    /// A finished message, to be sent as it is.
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }
}

/// Yields a [`Datagram`]'s bytes in order.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    datagram: &'a Datagram,
    /// How much of the datagram's own bytes was given out.
    position: usize,
    /// How many splices were given out.
    splice: usize,
    /// Whether the own bytes before that splice were given out.
    in_payload: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let splice = self.datagram.splices.get(self.splice);
            if let (true, Some((_, payload))) = (self.in_payload, splice) {
                self.in_payload = false;
                self.splice = self.splice.saturating_add(1);
                return Some(payload);
            }
            let end = splice.map_or(self.datagram.bytes.len(), |(at, _)| *at);
            let own = self.datagram.bytes.get(self.position..end).unwrap_or(&[]);
            self.position = end;
            self.in_payload = splice.is_some();
            if !own.is_empty() {
                return Some(own);
            }
            splice?;
        }
    }
}
