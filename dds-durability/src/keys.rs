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
