//! What happens to entities and instances on their own: ENTITY_FACTORY, WRITER_DATA_LIFECYCLE and
//! READER_DATA_LIFECYCLE. None of them is announced.

macro_rules! lifecycle_policies {
    ($next:ident!($($rest:tt)*) $($rows:tt)*) => { $next! { $($rest)* $($rows)*
        /// Whether what a factory creates is enabled at once.
        entity_factory: EntityFactory = ENTITY_FACTORY(15);
        section "DDS 1.4 §2.2.3.20";
        pid [];
        changeable Always;
        enforced Enforcement::Yes;
        in [publisher() subscriber() participant()];
        {
            /// Enabled at once, or by `enable`.
            autoenable_created_entities: bool = true,
        };

        /// What a writer does with an instance it unregisters.
        writer_data_lifecycle: WriterDataLifecycle = WRITER_DATA_LIFECYCLE(16);
        section "DDS 1.4 §2.2.3.21";
        pid [];
        changeable Always;
        enforced Enforcement::Yes;
        in [writer()];
        {
            /// Whether it is disposed too, also when the writer is deleted.
            autodispose_unregistered_instances: bool = true,
        };

        /// How long a reader keeps instances nothing will change any more.
        reader_data_lifecycle: ReaderDataLifecycle = READER_DATA_LIFECYCLE(17);
        section "DDS 1.4 §2.2.3.22";
        pid [];
        changeable Always;
        enforced Enforcement::Yes;
        in [reader()];
        {
            /// After the last writer left the instance.
            autopurge_nowriter_samples_delay: Duration = Duration::INFINITE,
            /// After the instance was disposed.
            autopurge_disposed_samples_delay: Duration = Duration::INFINITE,
        };
    } };
}
