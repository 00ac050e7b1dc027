//! Why a scenario did not pass.

use std::fmt;

/// What went wrong, by whose doing.
#[derive(Debug)]
pub enum Failure {
    /// A command of the machine (ip, nft, tshark …) failed: the harness, not a peer, is at fault.
    Harness(String),
    /// An awaited line did not come in time.
    Timeout(String),
    /// A peer printed or received something else than it should.
    Mismatch(String),
    /// A peer ended or reported an error where it should not.
    Peer(String),
    /// A program says that its stack lacks what it was asked for.
    NotSupported(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Harness(text) => write!(f, "harness: {text}"),
            Failure::Timeout(text) => write!(f, "timed out: {text}"),
            Failure::Mismatch(text) => write!(f, "mismatch: {text}"),
            Failure::Peer(text) => write!(f, "peer: {text}"),
            Failure::NotSupported(text) => write!(f, "the program says: {text}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Harness(error.to_string())
    }
}
