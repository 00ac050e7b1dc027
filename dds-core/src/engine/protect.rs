//! The seam at which messages and samples are protected.

use dds_rtps::structure::{Guid, GuidPrefix};

/// What became of received bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opened {
    /// They were not protected, and need not be.
    AsTheyAre,
    /// What they protect is in the output.
    Replaced,
    /// They are not to be used: forged, damaged, or unprotected where protection is due.
    Refused(&'static str),
}

/// Protects what leaves a participant and opens what arrives, at the three levels of DDS Security 1.1
/// §8.5.1: payloads, submessages, messages.
///
/// Payloads are protected once, before they enter the history, and opened before they are offered to a
/// reader. Messages are protected for each destination apart; an implementation replaces
/// submessages, the message as a whole, or both, and may change their lengths, for which it announces
/// [`Protect::overhead`]. Every method runs without a lock of the engine but
/// [`Protect::open_payload`], which runs under its reader's.
pub trait Protect: Send + Sync {
    /// Bytes that protection adds to a message at most.
    fn overhead(&self) -> usize;

    /// Protects the payload of a sample of `writer` in place. Its length must stay a multiple of four,
    /// since a receiver cannot tell padding from payload.
    fn protect_payload(&self, writer: Guid, payload: &mut Vec<u8>);

    /// Opens the payload of a sample of `writer` into `out`.
    fn open_payload(&self, writer: Guid, payload: &[u8], out: &mut Vec<u8>) -> Opened;

    /// Protects a message for one participant ([`GuidPrefix::UNKNOWN`]: for everybody) into `out`; false to
    /// send it as it is.
    fn protect_message(&self, destination: GuidPrefix, message: &[u8], out: &mut Vec<u8>) -> bool;

    /// Opens a received message into `out`.
    fn open_message(&self, message: &[u8], out: &mut Vec<u8>) -> Opened;
}
