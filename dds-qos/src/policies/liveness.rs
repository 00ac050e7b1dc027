//! Whose samples count: LIVELINESS, OWNERSHIP, OWNERSHIP_STRENGTH and PARTITION.

kind! {
    /// Who asserts that a writer is alive (DDS 1.4 §2.2.3.11), from weakest to strongest.
    LivelinessKind as i32 (read_i32, write_i32) "_LIVELINESS_QOS" {
        /// The middleware, as long as the process runs.
        Automatic = 0 AUTOMATIC,
        /// The application, once for all writers of a participant.
        ManualByParticipant = 1 MANUAL_BY_PARTICIPANT,
        /// The application, for each writer.
        ManualByTopic = 2 MANUAL_BY_TOPIC,
    }
}

kind! {
    /// Whether several writers may update an instance (DDS 1.4 §2.2.3.9).
    OwnershipKind as i32 (read_i32, write_i32) "_OWNERSHIP_QOS" {
        /// Every writer may.
        Shared = 0 SHARED,
        /// Only the strongest writer alive.
        Exclusive = 1 EXCLUSIVE,
    }
}

impl super::Ownership {
    /// Every writer may update an instance.
    pub const SHARED: Self = Self(OwnershipKind::Shared);
    /// Only the strongest writer alive may.
    pub const EXCLUSIVE: Self = Self(OwnershipKind::Exclusive);
}

macro_rules! liveness_policies {
    ($next:ident!($($rest:tt)*) $($rows:tt)*) => { $next! { $($rest)* $($rows)*
        /// How a writer shows that it is alive, and after what silence it counts as gone.
        liveliness: Liveliness = LIVELINESS(8);
        section "DDS 1.4 §2.2.3.11";
        pid [0x001b];
        changeable BeforeEnable;
        compatible [at_least(kind), at_most(lease_duration)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        {
            /// Who asserts it.
            kind: LivelinessKind = LivelinessKind::Automatic,
            /// The silence after which a writer is no longer alive.
            lease_duration: Duration = Duration::INFINITE,
        };

        /// Whether several writers may update an instance.
        ownership: Ownership = OWNERSHIP(6);
        section "DDS 1.4 §2.2.3.9";
        pid [0x001f];
        changeable BeforeEnable;
        compatible [equal(0)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        (
            /// The kind.
            OwnershipKind = OwnershipKind::Shared
        );

        /// Which writer of an exclusively owned instance prevails.
        ownership_strength: OwnershipStrength = OWNERSHIP_STRENGTH(7);
        section "DDS 1.4 §2.2.3.10";
        pid [0x0006];
        changeable Always;
        enforced Enforcement::Yes;
        in [writer() publication(writer)];
        (
            /// The highest prevails.
            i32 = 0
        );

        /// Names under which publishers and subscribers of a topic find each other; `*`, `?` and
        /// `[…]` are wildcards (POSIX `fnmatch`). No name means the one empty name.
        partition: Partition = PARTITION(10);
        section "DDS 1.4 §2.2.3.13";
        pid [0x0029];
        changeable Always;
        enforced Enforcement::Yes;
        in [publisher() subscriber() publication(publisher) subscription(subscriber)];
        (
            /// The names.
            Vec<String> = Vec::new()
        );
    } };
}
