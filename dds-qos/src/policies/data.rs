//! What is said of entities and types: USER_DATA, TOPIC_DATA, GROUP_DATA, DATA_REPRESENTATION and
//! TYPE_CONSISTENCY_ENFORCEMENT.

kind! {
    /// Whether writer and reader types may differ (XTypes 1.3 §7.6.3.4).
    TypeConsistencyKind as u16 (read_u16, write_u16) "" {
        /// The types must be equal.
        DisallowTypeCoercion = 0 DISALLOW_TYPE_COERCION,
        /// The writer's type must be assignable to the reader's.
        AllowTypeCoercion = 1 ALLOW_TYPE_COERCION,
    }
}

macro_rules! data_policies {
    ($next:ident!($($rest:tt)*) $($rows:tt)*) => { $next! { $($rest)* $($rows)*
        /// Bytes of the application that discovery carries with a participant, writer or reader.
        user_data: UserData = USER_DATA(1);
        section "DDS 1.4 §2.2.3.1";
        pid [0x002c];
        changeable Always;
        enforced Enforcement::Yes;
        in [writer() reader() participant() publication(writer) subscription(reader)];
        (
            /// The bytes.
            Vec<u8> = Vec::new()
        );

        /// Bytes of the application that discovery carries with a topic.
        topic_data: TopicData = TOPIC_DATA(18);
        section "DDS 1.4 §2.2.3.2";
        pid [0x002e];
        changeable Always;
        enforced Enforcement::Yes;
        in [topic() publication(topic) subscription(topic)];
        (
            /// The bytes.
            Vec<u8> = Vec::new()
        );

        /// Bytes of the application that discovery carries with a publisher or subscriber.
        group_data: GroupData = GROUP_DATA(19);
        section "DDS 1.4 §2.2.3.3";
        pid [0x002d];
        changeable Always;
        enforced Enforcement::Yes;
        in [publisher() subscriber() publication(publisher) subscription(subscriber)];
        (
            /// The bytes.
            Vec<u8> = Vec::new()
        );

        /// How samples are encoded: a writer offers the first of its list, a reader accepts each of
        /// its own. An empty list means XCDR alone.
        data_representation: DataRepresentation = DATA_REPRESENTATION(23);
        section "XTypes 1.3 §7.6.3.1";
        pid [0x0073];
        changeable BeforeEnable;
        compatible [first_is_listed(0)];
        enforced Enforcement::Yes;
        in [topic() writer() reader() publication(writer) subscription(reader)];
        (
            /// The representations, most wanted first.
            Vec<DataRepresentationId> = Vec::new()
        );

        /// How far a writer's type may differ from the reader's. Where one of them does not announce its
        /// type, their names must be equal.
        type_consistency: TypeConsistencyEnforcement = TYPE_CONSISTENCY_ENFORCEMENT(24);
        section "XTypes 1.3 §7.6.3.4";
        pid [0x0074];
        changeable BeforeEnable;
        enforced Enforcement::Yes;
        in [reader() subscription(reader)];
        {
            /// Equal or assignable.
            kind: TypeConsistencyKind = TypeConsistencyKind::AllowTypeCoercion,
            /// Whether differing bounds of sequences are accepted.
            ignore_sequence_bounds: bool = true,
            /// Whether differing bounds of strings are accepted.
            ignore_string_bounds: bool = true,
            /// Whether members are compared by id only.
            ignore_member_names: bool = false,
            /// Whether a writer's type with more members is refused.
            prevent_type_widening: bool = false,
            /// Whether a writer without type information is refused.
            force_type_validation: bool = false,
        };
    } };
}
