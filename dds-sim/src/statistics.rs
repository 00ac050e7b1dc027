//! What a simulated network counted.

/// What a simulated network did to the datagrams on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NetworkStatistics {
    /// Datagrams that left; one to a group counts once.
    pub sent: u64,
    /// Datagrams that arrived; one to a group counts once for each member.
    pub delivered: u64,
    /// Bytes of those that arrived.
    pub delivered_bytes: u64,
    /// Datagrams lost by chance.
    pub lost: u64,
    /// Datagrams that arrived twice.
    pub duplicated: u64,
    /// Datagrams held back so that others could overtake them.
    pub held_back: u64,
    /// Datagrams lost to partitions.
    pub cut: u64,
    /// Datagrams to addresses where nobody listened.
    pub unroutable: u64,
}
