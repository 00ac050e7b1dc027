//! Discovery: who else is there, which of their endpoints match ours, and whether they live.
//!
//! [`Participant`] is the cold path of one participant: SPDP finds participants, SEDP learns their
//! endpoints, matching pairs them with ours, the writer liveliness protocol watches them. In:
//! submessages for built-in endpoints, the moments [`poll_timeout`](Participant::poll_timeout) asks
//! for, and the owner's own endpoints. Out: datagrams by
//! [`poll_transmit`](Participant::poll_transmit) and [`DiscoveryEvent`]s by
//! [`poll_event`](Participant::poll_event).
//!
//! After every other call: poll events and transmissions until `None`, then the timeout.
//!
//! A peer is answered with announcements, empty heartbeats and acknowledgements only, within a budget
//! of three times what it sent, until an ACKNACK that names us has come from an address it
//! announces; before that none of its endpoints match, since their data would go wherever a forged
//! announcement points.

mod activity;
mod config;
mod events;
mod hook;
mod ignored;
mod inbox;
mod lease;
mod liveliness;
mod locators;
mod matching;
mod paths;
mod peers;
mod sedp;
mod spdp;
mod statistics;
#[cfg(test)]
mod tests;
mod timers;
mod type_lookup;
mod verdict;

pub use activity::{Activity, Touch};
pub use config::{Limits, ParticipantConfig, PathValidation};
pub use events::{DiscoveryEvent, EndpointData, LossReason, RemoteEndpoint, UnmatchReason, WriterLiveliness};
pub use hook::{Gate, MatchHook, Pending};
pub use locators::Interface;
pub use matching::Resolution;
pub use statistics::Statistics;
pub use type_lookup::answers_type_lookup;
pub use verdict::{Keyedness, PeerDescription, Problem, Role, Verdict};

use alloc::{collections::VecDeque, sync::Arc};

use crate::{
    discovery::{ParticipantData, PublicationData, SubscriptionData},
    message::{Datagram, MessageContext, Submessage},
    structure::{EntityId, Guid, GuidPrefix, Locator},
    time::{Monotonic, Now},
    writer::Destinations,
};
use ignored::Ignored;
use liveliness::Liveliness;
use matching::Matcher;
use peers::Peers;
use sedp::BuiltinEndpoints;
use spdp::Announcer;
use timers::Timers;

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Timer {
    /// The next SPDP announcement.
    Announcement,
    /// The participant's lease may have run out.
    ParticipantLease(GuidPrefix),
    /// The participant has not answered yet.
    PathProbe(GuidPrefix),
    /// Whether memory is shared with the participant has not been settled for long.
    Sharing(GuidPrefix),
    /// The writer's liveliness lease may have run out.
    WriterLease(Guid),
    /// Our AUTOMATIC writers are to be asserted.
    AutomaticAssertion,
    /// Our MANUAL_BY_PARTICIPANT writers are to be asserted if the user has.
    ManualAssertion,
    /// A pending match has waited long enough.
    PendingMatch(Guid, Guid),
}

/// The discovery machine of one participant. See the [module](self).
#[derive(Debug)]
pub struct Participant {
    config: ParticipantConfig,
    announcer: Announcer,
    endpoints: BuiltinEndpoints,
    peers: Peers,
    matcher: Matcher,
    liveliness: Liveliness,
    ignored: Ignored,
    timers: Timers<Timer>,
    events: VecDeque<DiscoveryEvent>,
    statistics: Statistics,
}

impl Participant {
    /// A participant that starts to announce itself at once.
    pub fn new(mut config: ParticipantConfig, now: Now) -> Self {
        config.data.builtin_endpoints = config.data.builtin_endpoints.union(sedp::OUR_ENDPOINTS);
        let mut participant = Self {
            announcer: Announcer::new(&config),
            endpoints: BuiltinEndpoints::new(config.data.guid.prefix, config.max_message_size),
            peers: Peers::default(),
            matcher: Matcher::default(),
            liveliness: Liveliness::new(now.monotonic),
            ignored: Ignored::default(),
            timers: Timers::new(),
            events: VecDeque::new(),
            statistics: Statistics::default(),
            config,
        };
        participant.start_announcing(now.monotonic);
        participant
    }

    /// The prefix that all its entities share.
    pub fn guid_prefix(&self) -> GuidPrefix {
        self.config.data.guid.prefix
    }

    /// What is announced of it.
    pub fn data(&self) -> &ParticipantData {
        &self.config.data
    }

    /// What was counted since it was made.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The remote participants that are known.
    pub fn participants(&self) -> impl Iterator<Item = &Arc<ParticipantData>> {
        self.peers.iter().map(|(_, peer)| &peer.data)
    }

    /// Announces `data` from now on: new user data, locators or lease. Its GUID must be the same.
    pub fn update_participant_data(&mut self, now: Now, data: ParticipantData) {
        debug_assert_eq!(data.guid, self.config.data.guid);
        let builtin_endpoints = data.builtin_endpoints.union(sedp::OUR_ENDPOINTS);
        self.config.data = ParticipantData { builtin_endpoints, ..data };
        self.announcer.update(&self.config);
        self.timers.set(Timer::Announcement, now.monotonic);
    }

    /// Whether a submessage to or from this entity belongs to [`handle_submessage`](Self::handle_submessage)
    /// and not to a user's endpoint.
    pub fn is_for_discovery(writer_id: EntityId) -> bool {
        writer_id.is_builtin()
    }

    /// Takes one submessage whose writer is a built-in one, and that is for this participant or
    /// everybody. `source` is where its datagram came from.
    ///
    /// Whether something may follow from it: events, datagrams, another timeout. From an announcement that
    /// says what is known already, which is most of what is heard, nothing does, unless somebody was taken
    /// for gone.
    pub fn handle_submessage(
        &mut self,
        now: Now,
        context: &MessageContext,
        source: Locator,
        submessage: &Submessage<'_>,
    ) -> bool {
        let own = self.guid_prefix();
        let ignored = self.ignored.is_participant(context.source_prefix);
        if context.source_prefix == own || !context.is_for(own) || ignored {
            return false;
        }
        self.note_received(context.source_prefix, submessage);
        self.note_traffic(context.source_prefix, now);
        let unchanged = self.statistics.announcements_unchanged;
        self.dispatch(now, context, source, submessage);
        self.statistics.announcements_unchanged == unchanged || !self.events.is_empty()
    }

    /// Notes that a datagram of the participant arrived, whatever was in it: this renews its lease
    /// and its AUTOMATIC writers' liveliness.
    pub fn note_traffic(&mut self, prefix: GuidPrefix, now: Now) {
        let touch = self.peers.get(prefix).map(|peer| peer.activity.touch(now.monotonic));
        if touch == Some(Touch::Revives) {
            self.revive_writers(now.monotonic);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        [self.timers.next(), self.endpoints.poll_timeout()].into_iter().flatten().min()
    }

    /// Does what is due. Calling it early or without need is harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.revive_writers(now.monotonic);
        while let Some(timer) = self.timers.pop_due(now.monotonic) {
            match timer {
                Timer::Announcement => self.announcement_due(now.monotonic),
                Timer::ParticipantLease(prefix) => self.participant_lease_due(now, prefix),
                Timer::PathProbe(prefix) => self.path_probe_due(now, prefix),
                Timer::Sharing(prefix) => self.sharing_settled(now, prefix),
                Timer::WriterLease(writer) => self.writer_lease_due(now.monotonic, writer),
                Timer::AutomaticAssertion => self.automatic_assertion_due(now),
                Timer::ManualAssertion => self.manual_assertion_due(now),
                Timer::PendingMatch(local, remote) => self.pending_match_due(now, local, remote),
            }
        }
        self.endpoints.handle_timeout(now.monotonic);
    }

    /// What happened, in order; `None` when there is nothing new.
    pub fn poll_event(&mut self) -> Option<DiscoveryEvent> {
        self.events.pop_front()
    }

    /// Writes the next datagram into `out`, whose old content is dropped, and says where it goes;
    /// `None` when nothing is to be sent now.
    pub fn poll_transmit(&mut self, now: Now, out: &mut Datagram) -> Option<Destinations> {
        loop {
            let destinations = self.transmit(now, out)?;
            let permitted = self.permit(destinations, out.len());
            if !permitted.is_empty() {
                return Some(permitted);
            }
        }
    }

    fn transmit(&mut self, now: Now, out: &mut Datagram) -> Option<Destinations> {
        // A peer that was told goodbye listens no more: its endpoints' withdrawal comes first then.
        if self.has_departed() {
            out.clear();
            if let Some(destinations) = self.transmit_endpoints(now.monotonic, out) {
                return Some(destinations);
            }
        }
        out.clear();
        if let Some(destinations) = self.transmit_announcement(now, out) {
            return Some(destinations);
        }
        out.clear();
        self.transmit_endpoints(now.monotonic, out)
    }

    /// Announces a local writer and matches it. The returned note is to be touched whenever the writer
    /// writes or its liveliness is asserted, which matters for the MANUAL kinds only.
    pub fn add_publication(&mut self, now: Now, data: PublicationData) -> Activity {
        let activity = self.track_local_writer(now.monotonic, &data);
        let data = Arc::new(data);
        self.endpoints.announce_publication(now, &data);
        self.add_local(now, EndpointData::Publication(data));
        activity
    }

    /// Announces a local reader and matches it.
    pub fn add_subscription(&mut self, now: Now, data: SubscriptionData) {
        let data = Arc::new(data);
        self.endpoints.announce_subscription(now, &data);
        self.add_local(now, EndpointData::Subscription(data));
    }

    /// Announces a local writer's changed QoS and matches it anew.
    pub fn update_publication(&mut self, now: Now, data: PublicationData) {
        let data = Arc::new(data);
        self.endpoints.announce_publication(now, &data);
        self.add_local(now, EndpointData::Publication(data));
    }

    /// Announces a local reader's changed QoS and matches it anew.
    pub fn update_subscription(&mut self, now: Now, data: SubscriptionData) {
        self.add_subscription(now, data);
    }

    /// Withdraws a local writer.
    pub fn remove_publication(&mut self, now: Now, guid: Guid) {
        self.endpoints.withdraw_publication(now, guid);
        self.remove_local(guid);
        self.untrack_local_writer(guid);
    }

    /// Withdraws a local reader.
    pub fn remove_subscription(&mut self, now: Now, guid: Guid) {
        self.endpoints.withdraw_subscription(now, guid);
        self.remove_local(guid);
    }

    /// Says goodbye: withdraws everything and disposes of the participant. Nothing is announced
    /// from now on; poll the transmissions once more.
    pub fn depart(&mut self, now: Now) {
        self.endpoints.withdraw_all(now);
        self.timers.cancel(Timer::Announcement);
        self.announcer.depart(self.peers.iter().filter_map(|(prefix, peer)| {
            peer.is_validated().then_some(())?;
            Some((prefix, peer.path()?))
        }));
    }
}
