//! What discovery counted.

/// Counters of one participant's discovery, for its user and for tests. They only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Announcements of participants received.
    pub announcements_received: u64,
    /// Those that were an exact repeat and hence not decoded.
    pub announcements_unchanged: u64,
    /// Those that could not be decoded, or spoke for another participant.
    pub announcements_malformed: u64,
    /// Those of another domain or domain tag.
    pub announcements_of_other_domains: u64,
    /// Participants not admitted because the table was full of validated ones.
    pub participants_refused: u64,
    /// Participants thrown out for a newer one, or for taking more than their share.
    pub participants_evicted: u64,
    /// Endpoint announcements that could not be decoded, or spoke for another participant.
    pub endpoints_malformed: u64,
    /// Endpoints not admitted because their participant had used up its share.
    pub endpoints_refused: u64,
    /// Requests for types, and replies to ours, that could not be decoded.
    pub type_lookups_malformed: u64,
    /// Datagrams not sent because their path is not validated and its budget is used up.
    pub datagrams_withheld: u64,
    /// Bytes sent to paths before they were validated.
    pub bytes_to_unvalidated_paths: u64,
    /// Paths validated.
    pub paths_validated: u64,
    /// ACKNACKs that named us but came from an address their participant does not announce.
    pub acknowledgements_from_elsewhere: u64,
}
