//! How samples travel and in which order they are seen: RELIABILITY, DEADLINE, LATENCY_BUDGET,
//! TRANSPORT_PRIORITY, TIME_BASED_FILTER, DESTINATION_ORDER and PRESENTATION.

kind! {
    /// Whether samples may be lost on the way (DDS 1.4 §2.2.3.14), from weakest to strongest. The
    /// numbers are those of the wire (RTPS 2.5 §9.6.3, `ReliabilityQosPolicyKind`), not of the API.
    ReliabilityKind as i32 (read_i32, write_i32) "_RELIABILITY_QOS" {
        /// A lost sample is not sent again.
        BestEffort = 1 BEST_EFFORT,
        /// A lost sample is sent again as long as the writer's history has it.
        Reliable = 2 RELIABLE,
    }
}

kind! {
    /// By which time samples of an instance are ordered (DDS 1.4 §2.2.3.17).
    DestinationOrderKind as i32 (read_i32, write_i32) "_DESTINATIONORDER_QOS" {
        /// As they arrive.
        ByReceptionTimestamp = 0 BY_RECEPTION_TIMESTAMP,
        /// As they were written; readers agree on the last one.
        BySourceTimestamp = 1 BY_SOURCE_TIMESTAMP,
    }
}

kind! {
    /// Across what coherence and order hold (DDS 1.4 §2.2.3.6), from narrowest to widest.
    AccessScope as i32 (read_i32, write_i32) "_PRESENTATION_QOS" {
        /// Within one instance.
        Instance = 0 INSTANCE,
        /// Across the instances of one writer.
        Topic = 1 TOPIC,
        /// Across the writers of one publisher.
        Group = 2 GROUP,
    }
}

impl super::Reliability {
    /// The standard's default for `write` waiting on a full history (DDS 1.4 §2.2.3.14).
    pub const DEFAULT_MAX_BLOCKING_TIME: crate::Duration = crate::Duration::from_millis(100);
    /// Lost samples are not sent again.
    pub const BEST_EFFORT: Self =
        Self { kind: ReliabilityKind::BestEffort, max_blocking_time: Self::DEFAULT_MAX_BLOCKING_TIME };
    /// Lost samples are sent again; `write` waits up to 100 ms for room.
    pub const RELIABLE: Self =
        Self { kind: ReliabilityKind::Reliable, max_blocking_time: Self::DEFAULT_MAX_BLOCKING_TIME };

    /// Whether lost samples are sent again.
    pub const fn is_reliable(&self) -> bool {
        matches!(self.kind, ReliabilityKind::Reliable)
    }
}

macro_rules! delivery_policies {
    ($next:ident!($($rest:tt)*) $($rows:tt)*) => { $next! { $($rest)* $($rows)*
        /// Whether samples may be lost on the way. Writers are RELIABLE by default, readers and topics
        /// BEST_EFFORT.
        reliability: Reliability = RELIABILITY(11);
        section "DDS 1.4 §2.2.3.14";
        pid [0x001a];
        changeable BeforeEnable;
        compatible [at_least(kind)];
        enforced Enforcement::Yes;
        in [topic() writer(Reliability::RELIABLE) reader() publication(writer) subscription(reader)];
        {
            /// Best effort or reliable.
            kind: ReliabilityKind = ReliabilityKind::BestEffort,
            /// How long `write` may wait for room in a full history.
            max_blocking_time: Duration = Duration::from_millis(100),
        };

        /// How often each instance is written at least, and expected at least.
        deadline: Deadline = DEADLINE(4);
        section "DDS 1.4 §2.2.3.7";
        pid [0x0023];
        changeable Always;
        compatible [at_most(0)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        (
            /// Longest time between two samples of an instance.
            Duration = Duration::INFINITE
        );

        /// A hint how long a sample may be held back to save work.
        latency_budget: LatencyBudget = LATENCY_BUDGET(5);
        section "DDS 1.4 §2.2.3.8";
        pid [0x0027];
        changeable Always;
        compatible [at_most(0)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        (
            /// Longest time a sample may wait.
            Duration = Duration::ZERO
        );

        /// A hint for the network how urgent samples are.
        transport_priority: TransportPriority = TRANSPORT_PRIORITY(20);
        section "DDS 1.4 §2.2.3.15";
        pid [0x0049];
        changeable Always;
        enforced Enforcement::Yes;
        in [topic() writer()];
        (
            /// Higher is more urgent: 1 to 63 are sent as differentiated services code points, more is 63.
            i32 = 0
        );

        /// A reader's wish to see an instance no more often than so.
        time_based_filter: TimeBasedFilter = TIME_BASED_FILTER(9);
        section "DDS 1.4 §2.2.3.12";
        pid [0x0004];
        changeable Always;
        enforced Enforcement::Yes;
        in [reader() subscription(reader)];
        (
            /// Shortest time between two samples of an instance.
            Duration = Duration::ZERO
        );

        /// By which time samples of an instance from several writers are ordered.
        destination_order: DestinationOrder = DESTINATION_ORDER(12);
        section "DDS 1.4 §2.2.3.17";
        pid [0x0025];
        changeable BeforeEnable;
        compatible [at_least(0)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        (
            /// The kind.
            DestinationOrderKind = DestinationOrderKind::ByReceptionTimestamp
        );

        /// Across what the changes of a publisher are kept in order and together.
        presentation: Presentation = PRESENTATION(3);
        section "DDS 1.4 §2.2.3.6";
        pid [0x0021];
        changeable BeforeEnable;
        compatible [at_least(access_scope), at_least(coherent_access), at_least(ordered_access)];
        enforced Enforcement::Yes;
        in [publisher() subscriber() publication(publisher) subscription(subscriber)];
        {
            /// Instance, topic or group.
            access_scope: AccessScope = AccessScope::Instance,
            /// Whether changes of a coherent set are seen together or not at all.
            coherent_access: bool = false,
            /// Whether changes are seen in the order they were made.
            ordered_access: bool = false,
        };
    } };
}
