//! The instances of samples that come without a key hash, by what their writers say of the type.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use dds_core::{
    DomainParticipant,
    condition::GuardCondition,
    error::DdsResult,
    qos::Duration,
    rtps::{
        change::{CacheChange, ChangeKind},
        structure::KeyHash,
        time::{Monotonic, Now},
    },
    types::{
        PayloadKind,
        dynamic::{DynamicTopicType, DynamicType},
        key_hash,
    },
};

/// How long a channel waits for a type: a few questions and answers of the TypeLookup service.
const PATIENCE: Duration = Duration::from_secs(5);

type Search = Pin<Box<dyn Future<Output = DdsResult<DynamicType>> + Send>>;

/// What is known of the key of a channel's type.
#[derive(Default)]
pub(crate) enum Keys {
    /// Nobody needed it so far.
    #[default]
    Unasked,
    /// The writers are being asked, until then.
    Asking(Search, Monotonic),
    Known(DynamicTopicType),
    /// They do not tell.
    Untold,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unasked => "Unasked",
            Self::Asking(..) => "Asking",
            Self::Known(_) => "Known",
            Self::Untold => "Untold",
        })
    }
}

/// Has the keeper polled when a type is there.
struct Bell(GuardCondition);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.set_trigger_value(true);
    }
}

impl Keys {
    /// Has the writers of the topic asked.
    pub(crate) fn ask(&mut self, now: Now, participant: &DomainParticipant, topic_name: &str) {
        let (participant, topic_name) = (participant.clone(), topic_name.to_owned());
        let search = async move { participant.discover_type_async(&topic_name).await };
        *self = Self::Asking(Box::pin(search), now.monotonic.after(PATIENCE));
    }

    /// Looks whether the answer is there; false while it is waited for. `bell` is rung when there may be one.
    pub(crate) fn settle(&mut self, now: Now, bell: &GuardCondition, type_name: &str) -> bool {
        let Self::Asking(search, until) = self else { return true };
        let waker = Waker::from(Arc::new(Bell(bell.clone())));
        match search.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending if now.monotonic < *until => return false,
            Poll::Ready(Ok(found))
                if found.name().is_none_or(|name| name == type_name) && found.has_key() =>
            {
                *self = Self::Known(DynamicTopicType::new(&found));
            }
            Poll::Ready(_) | Poll::Pending => *self = Self::Untold,
        }
        true
    }

    /// When waiting ends.
    pub(crate) fn timeout(&self) -> Monotonic {
        match self {
            Self::Asking(_, until) => *until,
            _ => Monotonic::NEVER,
        }
    }

    /// The digest of a change's key, if the type is known and its payload is of that type.
    pub(crate) fn hash(&self, change: &CacheChange) -> Option<KeyHash> {
        let Self::Known(topic_type) = self else { return None };
        let kind = if change.kind == ChangeKind::Alive { PayloadKind::Data } else { PayloadKind::Key };
        let mut canonical = Vec::new();
        topic_type.canonical_key_of(&change.payload, kind, &mut canonical).ok()?;
        Some(KeyHash(key_hash(&canonical, topic_type.max_key_size())))
    }
}

#[cfg(test)]
mod tests {
    use dds_core::{rtps::payload::Payload, types::dynamic::DynamicType};

    use super::*;

    /// FinalKeyed of interop.idl.
    fn final_keyed() -> DynamicType {
        let [number, ratio, text] =
            [DynamicType::of::<i32>(), DynamicType::of::<f64>(), DynamicType::of::<String>()]
                .map(Result::unwrap);
        let made = DynamicType::structure("FinalKeyed").member("id", &number).key();
        made.member("x", &number).member("ratio", &ratio).member("label", &text).build().unwrap()
    }

    /// What Cyclone DDS 0.10.2 sent, captured beside the service: DATA with flags 0x05, which say that there is no
    /// inline QoS and so no key hash, of the instances 0, 1 and 2, and a second sample of instance 0. Cyclone DDS
    /// 11.0.1 sends the same but for the count of padding octets in the encapsulation.
    const CAPTURED: [(u8, &[u8]); 4] = [
        (0, b"\x00\x01\x00\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\0\0label-0-0\0\0\0"),
        (1, b"\x00\x01\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f\x0a\0\0\0label-0-1\0\0\0"),
        (2, b"\x00\x01\x00\x02\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x00\x40\x0a\0\0\0label-0-2\0\0\0"),
        (0, b"\x00\x01\x00\x02\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\xd0\x3f\x0a\0\0\0label-1-0\0\0\0"),
    ];

    #[test]
    fn samples_that_a_peer_sent_without_key_hashes_are_kept_apart() {
        let keys = Keys::Known(DynamicTopicType::new(&final_keyed()));
        for (id, payload) in CAPTURED {
            let change = CacheChange { payload: Payload::from(payload.to_vec()), ..CacheChange::default() };
            // RTPS 2.5 §9.6.4.8: a key that is never longer than 16 octets, big endian, filled up with zeros.
            let mut expected = [0; 16];
            expected[3] = id;
            assert_eq!(keys.hash(&change), Some(KeyHash(expected)));
        }
        let foreign = CacheChange { payload: Payload::from(vec![0, 1, 0, 0, 1]), ..CacheChange::default() };
        assert_eq!(keys.hash(&foreign), None, "too short for the type");
        assert_eq!(Keys::Untold.hash(&foreign), None);
    }
}
