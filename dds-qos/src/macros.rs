//! The macros that unfold the policy table. They only lay out code: what they call are plain functions.
//!
//! # Grammar of a row
//!
//! Each file of `crate::policies` defines one macro holding the rows of its group and hands them to
//! the next; `policy_table!` receives all of them, so that one row yields the policy's type, codec,
//! text, profile keys, compatibility rule, documentation and its place in every QoS set:
//!
//! ```text
//! row    := doc* field ":" Type "=" NAME "(" id ")" ";"
//!           "section" string ";"                     where the standard defines it
//!           "pid" "[" number? "]" ";"                 parameter on the wire, if any
//!           "changeable" ("Always" | "BeforeEnable") ";"
//!           ("compatible" "[" rule "(" part ")" "," … "]" ";")?   rules of crate::compatibility::rules
//!           "enforced" variant-of-Enforcement ";"
//!           "in" "[" entity* "]" ";"                  in this order, each optional
//!           body
//! entity := ("topic" | "writer" | "reader" | "publisher" | "subscriber" | "participant") "(" default? ")"
//!         | "publication" "(" ("writer" | "publisher" | "topic") ")"     announced by SEDP, taken from
//!         | "subscription" "(" ("reader" | "subscriber" | "topic") ")"
//! body   := "(" doc* ValueType "=" default ")" ";"    a policy of one value is a newtype
//!         | "{" (doc* part ":" ValueType "=" default ",")* "}" ";"  parts are in wire order
//! ```

/// Unfolds the rows of all groups; see the grammar in the module's documentation.
macro_rules! policy_table {
    ($(
        $(#[doc = $doc:literal])*
        $field:ident: $Type:ident = $NAME:ident($id:literal);
        section $section:literal;
        pid [$($pid:literal)?];
        changeable $changeable:ident;
        $(compatible [$($rule:ident($part:tt)),+];)?
        enforced $enforced:expr;
        in [
            $(topic $topic:tt)? $(writer $writer:tt)? $(reader $reader:tt)?
            $(publisher $publisher:tt)? $(subscriber $subscriber:tt)? $(participant $participant:tt)?
            $(publication($pub_source:ident))? $(subscription($sub_source:ident))?
        ];
        $body:tt;
    )*) => {
        $(policy_value! { $(#[doc = $doc])* $Type $body })*

        $(impl Policy for $Type {
            const ID: PolicyId = PolicyId::$Type;
            const PARAMETER_ID: Option<ParameterId> = optional!($(ParameterId($pid))?);
            const CHANGEABLE: Changeable = Changeable::$changeable;
        })*

        /// Names a policy: `QosPolicyId_t` of DDS 1.4 §2.3.3 and of XTypes 1.3 Annex D.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i32)]
        pub enum PolicyId {
            $(#[doc = concat!("[`", stringify!($Type), "`], ", $section, ".")] $Type = $id,)*
        }

        /// Every policy once, in the order of the source files.
        pub static POLICIES: &[PolicyRow] = &[$(PolicyRow {
            id: PolicyId::$Type,
            name: stringify!($NAME),
            field: stringify!($field),
            documentation: concat!($($doc, "\n"),*),
            section: $section,
            parts: $Type::PARTS,
            parameter_id: <$Type as Policy>::PARAMETER_ID,
            changeable: <$Type as Policy>::CHANGEABLE,
            rules: &[$($((stringify!($rule), stringify!($part))),+)?],
            enforcement: $enforced,
            entities: &[
                $(EntityDefault { entity: "Topic", default: || text::of(&default_or!($topic $Type)) },)?
                $(EntityDefault { entity: "DataWriter", default: || text::of(&default_or!($writer $Type)) },)?
                $(EntityDefault { entity: "DataReader", default: || text::of(&default_or!($reader $Type)) },)?
                $(EntityDefault { entity: "Publisher", default: || text::of(&default_or!($publisher $Type)) },)?
                $(EntityDefault { entity: "Subscriber", default: || text::of(&default_or!($subscriber $Type)) },)?
                $(EntityDefault { entity: "DomainParticipant", default: || text::of(&default_or!($participant $Type)) },)?
            ],
        }),*];

        qos_set! { TopicQos "Topic" $($([$topic] $field: $Type)?)* }
        qos_set! { DataWriterQos "DataWriter" $($([$writer] $field: $Type)?)* }
        qos_set! { DataReaderQos "DataReader" $($([$reader] $field: $Type)?)* }
        qos_set! { PublisherQos "Publisher" $($([$publisher] $field: $Type)?)* }
        qos_set! { SubscriberQos "Subscriber" $($([$subscriber] $field: $Type)?)* }
        qos_set! { DomainParticipantQos "DomainParticipant" $($([$participant] $field: $Type)?)* }

        announced! { TopicQos $($([$topic] $field: $Type)?)* }
        announced! { DomainParticipantQos $($([$participant] $field: $Type)?)* }
        announced! { PublicationQos PublicationSources $($([$pub_source] $field: $Type)?)* }
        announced! { SubscriptionQos SubscriptionSources $($([$sub_source] $field: $Type)?)* }

        /// Whether a writer and a reader may match (DDS 1.4 §2.2.3, request/offered): every policy
        /// that forbids it, with both values, in the order of the table. Empty means compatible.
        ///
        /// Topic, type and partition are not policies of this contract; see
        /// [`partitions_match`](crate::partitions_match).
        pub fn incompatible_with(offered: &PublicationQos, requested: &SubscriptionQos) -> Vec<Incompatibility> {
            let mut found = Vec::new();
            $($(compatibility::check(
                &offered.$field,
                &requested.$field,
                &[$(rules::$rule(
                    stringify!($part), &offered.$field.$part, &requested.$field.$part)),+],
                &mut found,
            );)?)*
            found
        }
    };
}

/// A policy's type from its row's body: `doc* Type body`, the body as in the grammar above.
macro_rules! policy_value {
    ($(#[doc = $doc:literal])* $Type:ident ($(#[doc = $part_doc:literal])* $Value:ty = $default:expr)) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $Type($(#[doc = $part_doc])* pub $Value);
        policy_value! { @impl $Type 0: $Value = $default, }
    };
    ($(#[doc = $doc:literal])* $Type:ident {$(
        $(#[doc = $part_doc:literal])* $part:ident: $Value:ty = $default:expr,
    )+}) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $Type {$(
            $(#[doc = $part_doc])*
            #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
            pub $part: $Value,
        )+}
        policy_value! { @impl $Type $($part: $Value = $default,)+ }
    };
    (@impl $Type:ident $($part:tt: $Value:ty = $default:expr,)+) => {
        impl $Type {
            const PARTS: &'static [&'static str] = &[$(stringify!($part)),+];
        }

        impl Default for $Type {
            fn default() -> Self {
                Self { $($part: $default),+ }
            }
        }

        impl fmt::Display for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                text::parts(f, &[$((stringify!($part), &self.$part)),+])
            }
        }

        impl PolicyValue for $Type {
            fn write(&self, out: &mut CdrWriter<'_>) {
                $(Value::write(&self.$part, out);)+
            }

            /// Parts missing at the end keep their defaults, and what follows the last known part is
            /// ignored: older and newer peers send shorter and longer values.
            fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                let mut value = Self::default();
                $(if !input.remaining().is_empty() { value.$part = Value::read(input)?; })+
                Ok(value)
            }

            fn is_empty(&self) -> bool {
                true $(&& Value::is_empty(&self.$part))+
            }
        }

        #[cfg(feature = "profiles")]
        impl crate::profiles::Section for $Type {
            fn set(&mut self, node: &crate::profiles::Node) -> Result<(), crate::profiles::ProfileError> {
                crate::profiles::set_parts(node, &mut [$((stringify!($part), &mut self.$part)),+])
            }
        }

        #[cfg(test)]
        impl crate::tests::strategies::Arbitrary for $Type {
            fn arbitrary(random: &mut proptest::test_runner::TestRng) -> Self {
                Self { $($part: crate::tests::strategies::Arbitrary::arbitrary(random)),+ }
            }
        }
    };
}

/// The QoS of one kind of entity: `Name "Entity" ("[" default "]" field ":" Type)*`.
macro_rules! qos_set {
    ($Set:ident $entity:literal $([$default:tt] $field:ident: $Type:ident)*) => {
        #[doc = concat!("QoS of a ", $entity, ", with the defaults of DDS 1.4 §2.2.3.")]
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $Set {
            $(#[doc = concat!("See [`", stringify!($Type), "`].")] pub $field: $Type,)*
        }

        impl Default for $Set {
            fn default() -> Self {
                Self { $($field: default_or!($default $Type)),* }
            }
        }

        impl $Set {
            $(
                #[doc = concat!("With this `", stringify!($field), "`.")]
                #[must_use]
                pub fn $field(mut self, $field: $Type) -> Self {
                    self.$field = $field;
                    self
                }
            )*

            /// Whether an enabled entity may go from this QoS to `new` (DDS 1.4 §2.2.3, column
            /// «Changeable»): every policy that differs and may not, or nothing.
            pub fn check_changeable(&self, new: &Self) -> Result<(), Vec<ImmutablePolicy>> {
                let mut refused = Vec::new();
                $(mutability::check(&self.$field, &new.$field, &mut refused);)*
                if refused.is_empty() { Ok(()) } else { Err(refused) }
            }
        }

        #[cfg(feature = "profiles")]
        impl crate::profiles::Section for $Set {
            fn set(&mut self, node: &crate::profiles::Node) -> Result<(), crate::profiles::ProfileError> {
                crate::profiles::set_sections(node, &mut [$((stringify!($field), &mut self.$field)),*])
            }
        }

        #[cfg(test)]
        impl crate::tests::strategies::Arbitrary for $Set {
            fn arbitrary(random: &mut proptest::test_runner::TestRng) -> Self {
                Self { $($field: crate::tests::strategies::Arbitrary::arbitrary(random)),* }
            }
        }
    };
}

/// The parameters of a set that discovery announces:
/// `Name Sources? ("[" source "]" field ":" Type)*`. With `Sources` the struct itself is made too.
macro_rules! announced {
    ($Set:ident $Sources:ident $([$source:ident] $field:ident: $Type:ident)*) => {
        #[doc = concat!("What discovery says of an endpoint's QoS (RTPS 2.5 §8.5.4), `", stringify!($Set), "`.")]
        ///
        /// The default is what a peer means that sends no parameter at all.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $Set {
            $(#[doc = concat!("See [`", stringify!($Type), "`].")] pub $field: $Type,)*
        }

        impl $Set {
            pub(crate) fn from_sources(sources: &$Sources<'_>) -> Self {
                Self { $($field: sources.$source.$field.clone()),* }
            }
        }

        #[cfg(test)]
        impl crate::tests::strategies::Arbitrary for $Set {
            fn arbitrary(random: &mut proptest::test_runner::TestRng) -> Self {
                Self { $($field: crate::tests::strategies::Arbitrary::arbitrary(random)),* }
            }
        }

        announced! { $Set $([$source] $field: $Type)* }
    };
    ($Set:ident $([$source:tt] $field:ident: $Type:ident)*) => {
        impl $Set {
            /// Reads one parameter (RTPS 2.5 §9.6.3.2). A parameter of something else is left to the
            /// caller; a malformed one leaves the policy as it was.
            pub fn read_parameter(
                &mut self,
                id: ParameterId,
                value: &[u8],
                endianness: Endianness,
            ) -> Result<Recognised, DecodeError> {
                $(if <$Type as Policy>::PARAMETER_ID == Some(id) {
                    self.$field = codec::read_value(value, endianness)?;
                    return Ok(Recognised::Yes);
                })*
                Ok(Recognised::No)
            }

            pub(crate) fn write_policies(&self, out: &mut ParameterListWriter<'_>) {
                $(codec::write_announced(&self.$field, out);)*
            }
        }
    };
}

/// An open enumeration of the standard, closed here:
/// `doc* Name as Wire "suffix" { doc* Variant = number NAME }`. Variants are declared in ascending
/// strength, so that comparing them is the RxO order. In IDL the names end in the suffix.
macro_rules! kind {
    ($(#[doc = $doc:literal])* $Kind:ident as $Wire:ident ($read:ident, $write:ident) $suffix:literal {$(
        $(#[doc = $variant_doc:literal])* $Variant:ident = $number:literal $NAME:ident,
    )+}) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $Kind {$(
            $(#[doc = $variant_doc])* $Variant,
        )+}

        impl $Kind {
            /// Every kind with the standard's name for it.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$Variant, stringify!($NAME))),+];
        }

        impl core::fmt::Display for $Kind {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self { $(Self::$Variant => stringify!($NAME)),+ })
            }
        }

        impl crate::codec::Value for $Kind {
            fn write(&self, out: &mut dds_types::cdr::CdrWriter<'_>) {
                let number: $Wire = match self { $(Self::$Variant => $number),+ };
                out.$write(number);
            }

            fn read(input: &mut dds_types::cdr::CdrReader<'_>) -> Result<Self, dds_types::cdr::DecodeError> {
                let number: $Wire = input.$read()?;
                match number {
                    $($number => Ok(Self::$Variant),)+
                    other => Err(crate::codec::unknown_kind(stringify!($Kind), i64::from(other), input)),
                }
            }

            fn text(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        #[cfg(feature = "profiles")]
        impl crate::profiles::Section for $Kind {
            fn set(&mut self, node: &crate::profiles::Node) -> Result<(), crate::profiles::ProfileError> {
                *self = crate::profiles::kind(node, Self::ALL, $suffix)?;
                Ok(())
            }
        }

        #[cfg(test)]
        impl crate::tests::strategies::Arbitrary for $Kind {
            fn arbitrary(random: &mut proptest::test_runner::TestRng) -> Self {
                crate::tests::strategies::one_of(random, Self::ALL)
            }
        }
    };
}

/// `Some` of what is given, `None` of nothing.
macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

/// An entity's own default when the row has one, else the policy's.
macro_rules! default_or {
    (() $Type:ident) => {
        $Type::default()
    };
    (($default:expr) $Type:ident) => {
        $default
    };
}
