//! Conditions and wait-sets (DDS 1.4 §2.2.2.1.6 to §2.2.2.1.9, §2.2.4.4).
//!
//! A condition is either true or not ([`Condition::trigger_value`]); a [`WaitSet`] waits, blocking or
//! async, until one of those attached to it is. Conditions are cheap clones of one object each.
//!
//! Blocking waits are safe on any thread but one: inside a listener they would block the thread that
//! receives what is waited for, so that there they are refused with
//! [`IllegalContext::BlockingInListener`](crate::error::IllegalContext::BlockingInListener). On an
//! executor's thread they block that executor's other tasks, and never the service: no executor is
//! needed for the wait to end. Use the async forms there.

mod callback;
mod notify;
mod query;
mod wait_set;

use std::{
    cmp, fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use crate::{
    cache::Content,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    sample::DataState,
    status::StatusMask,
};

pub use self::{
    callback::{CallbackScope, check_may_block},
    notify::{Notifier, Subscription, Until, deadline_after},
    wait_set::{WaitAsync, WaitSet},
};
pub(crate) use query::SqlQuery;

/// Any condition that can be attached to a [`WaitSet`]. Two are equal when they are the same object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Of an entity's statuses.
    Status(StatusCondition),
    /// Of samples in a reader.
    Read(ReadCondition),
    /// Of samples with certain contents in a reader.
    Query(QueryCondition),
    /// Of the application.
    Guard(GuardCondition),
}

impl Condition {
    /// Whether the condition is true now (DDS 1.4 §2.2.2.1.7 `get_trigger_value`).
    pub fn trigger_value(&self) -> bool {
        match self {
            Self::Status(condition) => condition.trigger_value(),
            Self::Read(condition) => condition.trigger_value(),
            Self::Query(condition) => condition.trigger_value(),
            Self::Guard(condition) => condition.trigger_value(),
        }
    }

    fn notifier(&self) -> &Notifier {
        match self {
            Self::Status(condition) => &condition.0.notifier,
            Self::Read(condition) => &condition.0.notifier,
            Self::Query(condition) => &condition.read.0.notifier,
            Self::Guard(condition) => &condition.0.notifier,
        }
    }
}

macro_rules! conditions {
    ($($Condition:ident in $Variant:ident,)+) => {
        $(
            impl From<$Condition> for Condition {
                fn from(condition: $Condition) -> Self {
                    Self::$Variant(condition)
                }
            }

            impl From<&$Condition> for Condition {
                fn from(condition: &$Condition) -> Self {
                    Self::$Variant(condition.clone())
                }
            }
        )+
    };
}

conditions! {
    StatusCondition in Status,
    ReadCondition in Read,
    QueryCondition in Query,
    GuardCondition in Guard,
}

macro_rules! identity {
    ($($Condition:ident,)+) => {
        $(
            impl PartialEq for $Condition {
                fn eq(&self, other: &Self) -> bool {
                    Arc::ptr_eq(&self.0, &other.0)
                }
            }

            impl Eq for $Condition {}
        )+
    };
}

identity! { StatusCondition, ReadCondition, GuardCondition, }

#[derive(Default)]
struct StatusState {
    entity: InstanceHandle,
    changed: AtomicU32,
    enabled: AtomicU32,
    notifier: Notifier,
}

/// True while an enabled status of its entity has changed and was not looked at
/// (DDS 1.4 §2.2.2.1.9).
#[derive(Clone)]
pub struct StatusCondition(Arc<StatusState>);

impl fmt::Debug for StatusCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusCondition")
            .field("changed", &self.changed_statuses())
            .field("enabled", &self.enabled_statuses())
            .finish()
    }
}

impl Default for StatusCondition {
    fn default() -> Self {
        Self::new()
    }
}

impl StatusCondition {
    /// For an entity none of whose statuses has changed. All are enabled, as DDS 1.4 §2.2.2.1.9.1 has
    /// it.
    pub fn new() -> Self {
        Self::of(InstanceHandle::NIL)
    }

    /// As [`StatusCondition::new`], for the entity of this handle.
    pub fn of(entity: InstanceHandle) -> Self {
        let state = StatusState { entity, ..StatusState::default() };
        state.enabled.store(StatusMask::ALL.bits(), Ordering::Relaxed);
        Self(Arc::new(state))
    }

    /// The handle of the entity that it belongs to (DDS 1.4 §2.2.2.1.9.3 `get_entity`).
    pub fn entity(&self) -> InstanceHandle {
        self.0.entity
    }

    /// Follows the entity's changed flags. Call it under the entity's lock, so that flags are followed
    /// in their order, and [`StatusCondition::notify`] after it when this returns true.
    #[must_use]
    pub fn set_changed(&self, changed: StatusMask) -> bool {
        // The lock makes this the only writer, and whoever wakes others has a fence behind it.
        let before = self.0.changed.load(Ordering::Relaxed);
        if before == changed.bits() {
            return false;
        }
        self.0.changed.store(changed.bits(), Ordering::Release);
        changed.intersects(self.enabled_statuses() & !StatusMask::from_bits(before))
    }

    /// Sets or resets DATA_ON_READERS of a subscriber, which has no other status and no lock of its own: nothing is
    /// lost where two threads store at once. [`StatusCondition::notify`] is to follow where somebody waits.
    pub(crate) fn set_data_on_readers(&self, is_set: bool) {
        let changed = if is_set { StatusMask::DATA_ON_READERS } else { StatusMask::NONE };
        if self.changed_statuses() != changed {
            self.0.changed.store(changed.bits(), Ordering::Release);
        }
    }

    /// Whether anybody waits for it.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.0.notifier.is_waited_for()
    }

    /// Tells those that wait to look.
    pub fn notify(&self) {
        self.0.notifier.notify();
    }

    /// The statuses that make the condition true.
    pub fn enabled_statuses(&self) -> StatusMask {
        StatusMask::from_bits(self.0.enabled.load(Ordering::Acquire))
    }

    /// Chooses the statuses that make the condition true.
    pub fn set_enabled_statuses(&self, enabled: StatusMask) {
        self.0.enabled.store(enabled.bits(), Ordering::Release);
        self.notify();
    }

    /// The statuses of the entity that changed and were not looked at, enabled here or not.
    pub fn changed_statuses(&self) -> StatusMask {
        StatusMask::from_bits(self.0.changed.load(Ordering::Acquire))
    }

    /// Whether the condition is true now.
    pub fn trigger_value(&self) -> bool {
        self.changed_statuses().intersects(self.enabled_statuses())
    }
}

#[derive(Default)]
struct GuardState {
    triggered: AtomicBool,
    notifier: Notifier,
}

/// True when the application says so (DDS 1.4 §2.2.2.1.8).
#[derive(Clone, Default)]
pub struct GuardCondition(Arc<GuardState>);

impl fmt::Debug for GuardCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GuardCondition").field(&self.trigger_value()).finish()
    }
}

impl GuardCondition {
    /// That is false.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it true or false; it stays so.
    pub fn set_trigger_value(&self, triggered: bool) {
        self.0.triggered.store(triggered, Ordering::SeqCst);
        if triggered {
            self.0.notifier.notify();
        }
    }

    /// Whether it is true now.
    pub fn trigger_value(&self) -> bool {
        self.0.triggered.load(Ordering::SeqCst)
    }
}

/// Accepts or refuses a sample by its contents: serialised data, or the canonical key of a sample
/// without data. It runs under the reader's lock and must not use the API.
pub type QueryPredicate = dyn Fn(&[u8], Content) -> bool + Send + Sync;

/// The samples that read and query conditions look at: a reader.
pub trait SampleSource: Send + Sync {
    /// Whether a sample is in these states and accepted by the predicate. It may take the reader's
    /// lock.
    fn has_samples(&self, states: DataState, predicate: Option<&QueryPredicate>) -> bool;

    /// The reader's handle.
    fn instance_handle(&self) -> InstanceHandle;
}

struct ReadState {
    source: Arc<dyn SampleSource>,
    states: DataState,
    notifier: Notifier,
    deleted: AtomicBool,
}

/// True while the reader has samples in certain states (DDS 1.4 §2.2.2.5.8).
#[derive(Clone)]
pub struct ReadCondition(Arc<ReadState>);

impl fmt::Debug for ReadCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadCondition").field(&self.states()).finish()
    }
}

impl ReadCondition {
    /// Of a reader, and the notifier that the reader notifies whenever its samples or their states
    /// change.
    pub fn new(source: Arc<dyn SampleSource>, notifier: Notifier, states: DataState) -> Self {
        Self(Arc::new(ReadState { source, states, notifier, deleted: AtomicBool::new(false) }))
    }

    /// For the reader that must know whether it is in use.
    pub(crate) fn downgrade(&self) -> WeakReadCondition {
        WeakReadCondition(Arc::downgrade(&self.0))
    }

    /// The states.
    pub fn states(&self) -> DataState {
        self.0.states
    }

    /// Whether the condition is true now.
    pub fn trigger_value(&self) -> bool {
        self.has_samples(None)
    }

    /// The handle of the reader that it belongs to (DDS 1.4 §2.2.2.5.8.1 `get_datareader`).
    pub fn reader(&self) -> InstanceHandle {
        self.0.source.instance_handle()
    }

    fn has_samples(&self, predicate: Option<&QueryPredicate>) -> bool {
        !self.0.deleted.load(Ordering::Acquire) && self.0.source.has_samples(self.0.states, predicate)
    }
}

/// A read or query condition that is not kept alive.
pub(crate) struct WeakReadCondition(Weak<ReadState>);

impl WeakReadCondition {
    /// Whether somebody still has it.
    pub(crate) fn is_used(&self) -> bool {
        self.0.strong_count() > 0
    }

    pub(crate) fn is(&self, condition: &ReadCondition) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(&condition.0))
    }

    /// It is false for whoever still has it.
    pub(crate) fn delete(&self) {
        if let Some(state) = self.0.upgrade() {
            state.deleted.store(true, Ordering::Release);
        }
    }
}

/// True while the reader has samples in certain states and with certain contents
/// (DDS 1.4 §2.2.2.5.9).
#[derive(Clone)]
pub struct QueryCondition {
    read: ReadCondition,
    predicate: Arc<QueryPredicate>,
    /// What the predicate evaluates, where it is SQL.
    sql: Option<Arc<SqlQuery>>,
}

impl PartialEq for QueryCondition {
    fn eq(&self, other: &Self) -> bool {
        self.read == other.read
    }
}

impl Eq for QueryCondition {}

impl fmt::Debug for QueryCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueryCondition").field(&self.states()).finish()
    }
}

impl QueryCondition {
    /// As [`ReadCondition::new`], for samples that `predicate` accepts.
    pub fn new(
        source: Arc<dyn SampleSource>,
        notifier: Notifier,
        states: DataState,
        predicate: Arc<QueryPredicate>,
    ) -> Self {
        Self { read: ReadCondition::new(source, notifier, states), predicate, sql: None }
    }

    /// As [`QueryCondition::new`], for samples that a query in SQL accepts.
    pub(crate) fn of_sql(
        source: Arc<dyn SampleSource>,
        notifier: Notifier,
        states: DataState,
        query: SqlQuery,
    ) -> Self {
        let query = Arc::new(query);
        let predicate = {
            let query = query.clone();
            Arc::new(move |payload: &[u8], content: Content| query.accepts(payload, content))
        };
        Self { read: ReadCondition::new(source, notifier, states), predicate, sql: Some(query) }
    }

    /// The query; `None` when a closure decides (DDS 1.4 §2.2.2.5.9.1).
    pub fn query_expression(&self) -> Option<&str> {
        self.sql.as_ref().map(|query| query.expression())
    }

    /// The values of `%0` and so on in the query (DDS 1.4 §2.2.2.5.9.2).
    pub fn query_parameters(&self) -> Vec<String> {
        self.sql.as_ref().map(|query| query.parameters()).unwrap_or_default()
    }

    /// Changes the values of `%0` and so on (DDS 1.4 §2.2.2.5.9.3).
    ///
    /// # Errors
    /// [`DdsError::Filter`] when a parameter is missing or no value of the type it is compared with,
    /// [`DdsError::PreconditionNotMet`] when a closure decides; nothing changes then.
    pub fn set_query_parameters<P: Into<String>>(
        &self,
        parameters: impl IntoIterator<Item = P>,
    ) -> DdsResult<()> {
        let Some(query) = &self.sql else {
            return Err(DdsError::precondition("set_query_parameters", "a query condition made from SQL"));
        };
        query.set_parameters(parameters.into_iter().map(Into::into).collect())?;
        // Those that wait for it look again.
        self.read.0.notifier.notify();
        Ok(())
    }

    /// How a reader sorts what it selects, if the query says ORDER BY.
    pub(crate) fn order(&self) -> Option<impl Fn(&[u8], &[u8]) -> cmp::Ordering + use<>> {
        self.sql.as_ref().and_then(|query| query.order())
    }

    /// The states.
    pub fn states(&self) -> DataState {
        self.read.states()
    }

    /// It as the read condition that it is too (DDS 1.4 §2.2.2.5.9).
    pub fn read_condition(&self) -> &ReadCondition {
        &self.read
    }

    /// What decides by contents.
    pub fn predicate(&self) -> &QueryPredicate {
        &*self.predicate
    }

    /// Whether the condition is true now.
    pub fn trigger_value(&self) -> bool {
        self.read.has_samples(Some(self.predicate()))
    }
}
