//! What is kept, how much of it and for how long: DURABILITY, DURABILITY_SERVICE, HISTORY,
//! RESOURCE_LIMITS and LIFESPAN.

kind! {
    /// For whom samples are kept (DDS 1.4 §2.2.3.4), from weakest to strongest.
    DurabilityKind as i32 (read_i32, write_i32) "_DURABILITY_QOS" {
        /// Only for readers matched when the sample is written.
        Volatile = 0 VOLATILE,
        /// Also for readers that match later, as long as the writer lives.
        TransientLocal = 1 TRANSIENT_LOCAL,
        /// Also beyond the writer's life, in a service.
        Transient = 2 TRANSIENT,
        /// Also beyond the system's life, in permanent storage.
        Persistent = 3 PERSISTENT,
    }
}

kind! {
    /// Which samples of an instance are kept (DDS 1.4 §2.2.3.18).
    HistoryKind as i32 (read_i32, write_i32) "_HISTORY_QOS" {
        /// The newest [`History::depth`](crate::History) of each instance.
        KeepLast = 0 KEEP_LAST,
        /// Every one until it was delivered, within the resource limits.
        KeepAll = 1 KEEP_ALL,
    }
}

/// A bound of [`ResourceLimits`](crate::ResourceLimits): a count, or `LENGTH_UNLIMITED` (DDS 1.4 §2.2.3.19).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Limit {
    /// At most so many.
    Finite(u32),
    /// No bound.
    Unlimited,
}

impl Limit {
    /// The bound as a number, `usize::MAX` when there is none.
    pub const fn as_usize(self) -> usize {
        match self {
            Self::Finite(count) => count as usize,
            Self::Unlimited => usize::MAX,
        }
    }

    /// Whether `count` things fit.
    pub const fn allows(self, count: usize) -> bool {
        count <= self.as_usize()
    }
}

impl core::fmt::Display for Limit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Finite(count) => write!(f, "{count}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

impl super::Durability {
    /// Samples for matched readers only.
    pub const VOLATILE: Self = Self(DurabilityKind::Volatile);
    /// Samples for late joiners too.
    pub const TRANSIENT_LOCAL: Self = Self(DurabilityKind::TransientLocal);
}

impl super::History {
    /// Every sample until it was delivered.
    pub const KEEP_ALL: Self = Self { kind: HistoryKind::KeepAll, depth: 1 };

    /// The newest `depth` samples of each instance.
    pub const fn keep_last(depth: u32) -> Self {
        Self { kind: HistoryKind::KeepLast, depth }
    }
}

macro_rules! durability_policies {
    ($next:ident!($($rest:tt)*) $($rows:tt)*) => { $next! { $($rest)* $($rows)*
        /// For whom a writer keeps its samples, and whether a reader wants those written before it came.
        durability: Durability = DURABILITY(2);
        section "DDS 1.4 §2.2.3.4";
        pid [0x001d];
        changeable BeforeEnable;
        compatible [at_least(0)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        (
            /// The kind.
            DurabilityKind = DurabilityKind::Volatile
        );

        /// How a durability service keeps what it stores for TRANSIENT and PERSISTENT writers.
        durability_service: DurabilityService = DURABILITY_SERVICE(22);
        section "DDS 1.4 §2.2.3.5";
        pid [0x001e];
        changeable BeforeEnable;
        enforced Enforcement::Yes;
        in [topic() writer() publication(writer)];
        {
            /// How long an instance is kept after its last writer left it.
            service_cleanup_delay: Duration = Duration::ZERO,
            /// As [`History::kind`].
            history_kind: HistoryKind = HistoryKind::KeepLast,
            /// As [`History::depth`].
            history_depth: u32 = 1,
            /// As [`ResourceLimits::max_samples`].
            max_samples: Limit = Limit::Unlimited,
            /// As [`ResourceLimits::max_instances`].
            max_instances: Limit = Limit::Unlimited,
            /// As [`ResourceLimits::max_samples_per_instance`].
            max_samples_per_instance: Limit = Limit::Unlimited,
        };

        /// Which samples of an instance a writer or reader keeps.
        history: History = HISTORY(13);
        section "DDS 1.4 §2.2.3.18";
        pid [0x0040];
        changeable BeforeEnable;
        enforced Enforcement::Yes;
        in [topic() writer() reader()];
        {
            /// All of them or the newest.
            kind: HistoryKind = HistoryKind::KeepLast,
            /// How many of each instance under KEEP_LAST, at least 1; without meaning under KEEP_ALL.
            depth: u32 = 1,
        };

        /// How much a writer or reader may keep.
        resource_limits: ResourceLimits = RESOURCE_LIMITS(14);
        section "DDS 1.4 §2.2.3.19";
        pid [0x0041];
        changeable BeforeEnable;
        enforced Enforcement::Yes;
        in [topic() writer() reader()];
        {
            /// Samples of all instances together.
            max_samples: Limit = Limit::Unlimited,
            /// Instances.
            max_instances: Limit = Limit::Unlimited,
            /// Samples of one instance.
            max_samples_per_instance: Limit = Limit::Unlimited,
        };

        /// How long a sample is worth delivering after it was written.
        lifespan: Lifespan = LIFESPAN(21);
        section "DDS 1.4 §2.2.3.16";
        pid [0x002b];
        changeable Always;
        enforced Enforcement::Yes;
        in [topic() writer() publication(writer)];
        (
            /// Counted from the source timestamp.
            Duration = Duration::INFINITE
        );
    } };
}
