//! What can go wrong.

use dds_core::error::DdsError;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, read or written.
    #[error("the store failed: {0}; check the disk, and that no other process has the file open")]
    Storage(#[from] redb::Error),
    /// The file was written by another version of the service.
    #[error(
        "the store has format {found}, this service knows {known}: use the version that wrote it, or another file"
    )]
    Format {
        /// The file's.
        found: u64,
        /// Ours.
        known: u64,
    },
}

/// Why the service cannot start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum DurabilityError {
    /// A participant, reader or writer could not be made.
    #[error(transparent)]
    Dds(#[from] DdsError),
    /// The store cannot be used. Nothing is acknowledged that it does not hold.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its thread could not be started.
    #[error("the service's thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
}
