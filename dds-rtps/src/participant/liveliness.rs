//! Whether writers live: asserting ours, watching theirs (RTPS 2.5 §8.4.13, DDS 1.4 §2.2.3.11).

use alloc::collections::{BTreeMap, BTreeSet};

use dds_qos::LivelinessKind;

use super::{DiscoveryEvent, Participant, Timer, WriterLiveliness, activity::Activity};
use crate::{
    discovery::{ParticipantMessageData, ParticipantMessageKind, PublicationData},
    structure::Guid,
    time::{Duration, Monotonic, Now},
    timing,
};

/// The writers whose leases are watched: matched remote ones, and our own of the MANUAL kinds.
#[derive(Debug)]
pub(super) struct Liveliness {
    watched: BTreeMap<Guid, Watched>,
    /// Those declared not alive.
    lapsed: BTreeSet<Guid>,
    /// When one of our MANUAL_BY_PARTICIPANT writers was last asserted.
    own_manual: Activity,
    /// The leases of our own writers that participant messages assert.
    own_leases: BTreeMap<Guid, (LivelinessKind, Duration)>,
    manual_sent: Option<Monotonic>,
}

#[derive(Debug)]
struct Watched {
    lease: Duration,
    activity: Activity,
    /// Who wants to know: matched readers, and the writer itself if it is ours.
    watchers: usize,
}

impl Watched {
    fn deadline(&self) -> Monotonic {
        self.activity.last().after(self.lease)
    }
}

impl Liveliness {
    pub(super) fn new(now: Monotonic) -> Self {
        Self {
            watched: BTreeMap::new(),
            lapsed: BTreeSet::new(),
            own_manual: Activity::new(now),
            own_leases: BTreeMap::new(),
            manual_sent: None,
        }
    }

    /// The shortest lease among our writers of `kind`.
    fn shortest_lease(&self, kind: LivelinessKind) -> Duration {
        let leases = self.own_leases.values().filter(|(of, _)| *of == kind);
        leases.map(|(_, lease)| *lease).min().unwrap_or(Duration::INFINITE)
    }
}

/// The interval at which a lease is kept up.
fn assertion_period(lease: Duration) -> Duration {
    match lease.as_nanos().and_then(|nanos| nanos.checked_div(timing::ASSERTIONS_PER_LEASE)) {
        Some(period) => Duration::from_nanos(period).max(timing::ASSERTION_PERIOD_MINIMUM),
        None => Duration::INFINITE,
    }
}

impl Participant {
    /// Asserts all our MANUAL_BY_PARTICIPANT writers (DDS 1.4 §2.2.2.2.1.16 `assert_liveliness`).
    pub fn assert_liveliness(&mut self, now: Now) {
        if self.liveliness.own_manual.touch(now.monotonic) == super::Touch::Revives {
            self.revive_writers(now.monotonic);
        }
        let recently = self
            .liveliness
            .manual_sent
            .is_some_and(|sent| sent.after(timing::ASSERTION_PERIOD_MINIMUM) > now.monotonic);
        if !recently {
            self.send_manual_assertion(now);
        }
    }

    /// Starts to keep up the liveliness of a new local writer.
    pub(super) fn track_local_writer(&mut self, now: Monotonic, data: &PublicationData) -> Activity {
        let liveliness = &data.qos.liveliness;
        let guid = data.endpoint_guid;
        let activity = match liveliness.kind {
            LivelinessKind::ManualByParticipant => {
                // A new writer counts as asserted.
                let _ = self.liveliness.own_manual.touch(now);
                self.liveliness.own_manual.clone()
            }
            _ => Activity::new(now),
        };
        if liveliness.lease_duration.is_infinite() {
            return activity;
        }
        if liveliness.kind != LivelinessKind::Automatic {
            self.watch_writer(guid, liveliness.lease_duration, &activity);
        }
        if liveliness.kind != LivelinessKind::ManualByTopic {
            self.liveliness.own_leases.insert(guid, (liveliness.kind, liveliness.lease_duration));
            match liveliness.kind {
                LivelinessKind::Automatic => self.timers.set(Timer::AutomaticAssertion, now),
                _ => self.timers.set(Timer::ManualAssertion, now),
            }
        }
        activity
    }

    pub(super) fn untrack_local_writer(&mut self, guid: Guid) {
        self.liveliness.own_leases.remove(&guid);
        self.unwatch_writer(guid);
    }

    /// When a writer of ours was last asserted.
    pub(super) fn local_activity(&self, guid: Guid) -> Activity {
        self.liveliness.watched.get(&guid).map(|watched| watched.activity.clone()).unwrap_or_default()
    }

    pub(super) fn automatic_assertion_due(&mut self, now: Now) {
        let lease = self.liveliness.shortest_lease(LivelinessKind::Automatic);
        if lease.is_infinite() {
            return;
        }
        let message = ParticipantMessageData::new(
            self.guid_prefix(),
            ParticipantMessageKind::AUTOMATIC_LIVELINESS_UPDATE,
        );
        self.endpoints.send_message(now, &message);
        self.timers.set(Timer::AutomaticAssertion, now.monotonic.after(assertion_period(lease)));
    }

    /// Passes on what the user asserted, by a call or by writing, since the last message.
    pub(super) fn manual_assertion_due(&mut self, now: Now) {
        let lease = self.liveliness.shortest_lease(LivelinessKind::ManualByParticipant);
        if lease.is_infinite() {
            return;
        }
        if self.liveliness.manual_sent.is_none_or(|sent| sent < self.liveliness.own_manual.last()) {
            self.send_manual_assertion(now);
        }
        self.timers.set(Timer::ManualAssertion, now.monotonic.after(assertion_period(lease)));
    }

    fn send_manual_assertion(&mut self, now: Now) {
        if !self.liveliness.shortest_lease(LivelinessKind::ManualByParticipant).is_infinite() {
            self.liveliness.manual_sent = Some(now.monotonic);
            let message = ParticipantMessageData::new(
                self.guid_prefix(),
                ParticipantMessageKind::MANUAL_LIVELINESS_UPDATE,
            );
            self.endpoints.send_message(now, &message);
        }
    }

    /// Watches a writer's lease for one more party. It counts as alive until an event says otherwise;
    /// one already declared not alive is declared so again, for the new party.
    pub(super) fn watch_writer(&mut self, guid: Guid, lease: Duration, activity: &Activity) {
        if lease.is_infinite() {
            return;
        }
        let watched = self.liveliness.watched.entry(guid).or_insert_with(|| Watched {
            lease,
            activity: activity.clone(),
            watchers: 0,
        });
        watched.watchers = watched.watchers.saturating_add(1);
        if self.liveliness.lapsed.contains(&guid) {
            self.push_liveliness(guid, WriterLiveliness::NotAlive);
        } else {
            let deadline = watched.deadline();
            self.timers.set(Timer::WriterLease(guid), deadline);
        }
    }

    pub(super) fn unwatch_writer(&mut self, guid: Guid) {
        let Some(watched) = self.liveliness.watched.get_mut(&guid) else { return };
        watched.watchers = watched.watchers.saturating_sub(1);
        if watched.watchers == 0 {
            self.liveliness.watched.remove(&guid);
            self.liveliness.lapsed.remove(&guid);
            self.timers.cancel(Timer::WriterLease(guid));
        }
    }

    pub(super) fn writer_lease_due(&mut self, now: Monotonic, guid: Guid) {
        let Some(watched) = self.liveliness.watched.get(&guid) else { return };
        let deadline = watched.deadline();
        if deadline > now {
            self.timers.set(Timer::WriterLease(guid), deadline);
            return;
        }
        watched.activity.mark_lapsed(true);
        self.liveliness.lapsed.insert(guid);
        self.push_liveliness(guid, WriterLiveliness::NotAlive);
    }

    /// Declares alive what has shown a sign of life since it was declared not alive.
    pub(super) fn revive_writers(&mut self, now: Monotonic) {
        if self.liveliness.lapsed.is_empty() {
            return;
        }
        for guid in core::mem::take(&mut self.liveliness.lapsed) {
            let Some(watched) = self.liveliness.watched.get(&guid) else { continue };
            let deadline = watched.deadline();
            if deadline > now {
                watched.activity.mark_lapsed(false);
                self.timers.set(Timer::WriterLease(guid), deadline);
                self.push_liveliness(guid, WriterLiveliness::Alive);
            } else {
                self.liveliness.lapsed.insert(guid);
            }
        }
        // Several writers may share one note.
        for guid in &self.liveliness.lapsed {
            if let Some(watched) = self.liveliness.watched.get(guid) {
                watched.activity.mark_lapsed(true);
            }
        }
    }

    fn push_liveliness(&mut self, writer: Guid, liveliness: WriterLiveliness) {
        self.events.push_back(DiscoveryEvent::WriterLiveliness { writer, liveliness });
    }
}
