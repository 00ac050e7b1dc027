//! Flags of members and types (XTypes 1.3 Annex B, `MemberFlag` and `TypeFlag`).

use super::Record;
use crate::cdr::{CdrReader, CdrWriter, DecodeError, EncodeError};
use crate::type_description::Extensibility;
use core::ops::{BitAnd, BitOr};

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident { $($(#[$flag_doc:meta])* $flag:ident = $bit:literal;)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u16);

        impl $name {
            /// None of them.
            pub const NONE: Self = Self(0);
            $($(#[$flag_doc])* pub const $flag: Self = Self(1 << $bit);)*

            /// Whether all of `flags` are set.
            #[must_use]
            pub const fn contains(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// `self` if `condition` holds, none otherwise.
            #[must_use]
            pub const fn when(self, condition: bool) -> Self {
                if condition { self } else { Self::NONE }
            }
        }

        impl BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitAnd for $name {
            type Output = Self;
            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }

        impl Record for $name {
            const MINIMUM_SIZE: usize = 2;

            fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
                writer.write_u16(self.0);
                Ok(())
            }

            fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                reader.read_u16().map(Self)
            }
        }
    )*};
}

flags! {
    /// Flags of a member, element, case, literal or flag; unknown ones are kept.
    MemberFlags {
        /// The low bit of what becomes of a value that does not fit; see [`MemberFlags::try_construct`].
        TRY_CONSTRUCT_1 = 0;
        /// The high bit of it.
        TRY_CONSTRUCT_2 = 1;
        /// Lives outside of its owner.
        EXTERNAL = 2;
        /// May be absent.
        OPTIONAL = 3;
        /// Readers that do not know it refuse the sample.
        MUST_UNDERSTAND = 4;
        /// Part of the key.
        KEY = 5;
        /// The default case of a union or literal of an enumeration.
        DEFAULT = 6;
    }
    /// Flags of a type; unknown ones are kept.
    TypeFlags {
        /// Never changes.
        FINAL = 0;
        /// Gets members at its end.
        APPENDABLE = 1;
        /// Changes in any way.
        MUTABLE = 2;
        /// Only for use inside of other types.
        NESTED = 3;
        /// Member ids are hashes of the names.
        AUTOID_HASH = 4;
    }
}

/// What becomes of a value that does not fit the reader's type (XTypes 1.3 §7.2.4.2.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TryConstruct {
    /// Its container cannot be constructed either.
    #[default]
    Discard,
    /// The member has its default value.
    UseDefault,
    /// A string, sequence or map is cut off at its bound.
    Trim,
}

impl MemberFlags {
    /// What becomes of a value that does not fit. The invalid combination counts as discard, the
    /// default.
    #[must_use]
    pub const fn try_construct(self) -> TryConstruct {
        match self.0 & 3 {
            2 => TryConstruct::UseDefault,
            3 => TryConstruct::Trim,
            _ => TryConstruct::Discard,
        }
    }
}

impl From<TryConstruct> for MemberFlags {
    fn from(behaviour: TryConstruct) -> Self {
        match behaviour {
            TryConstruct::Discard => Self::TRY_CONSTRUCT_1,
            TryConstruct::UseDefault => Self::TRY_CONSTRUCT_2,
            TryConstruct::Trim => Self::TRY_CONSTRUCT_1 | Self::TRY_CONSTRUCT_2,
        }
    }
}

impl TypeFlags {
    /// How the type may change; `None` where it does not say.
    #[must_use]
    pub const fn extensibility(self) -> Option<Extensibility> {
        match self.0 & 7 {
            1 => Some(Extensibility::Final),
            2 => Some(Extensibility::Appendable),
            4 => Some(Extensibility::Mutable),
            _ => None,
        }
    }
}

impl From<Extensibility> for TypeFlags {
    fn from(extensibility: Extensibility) -> Self {
        match extensibility {
            Extensibility::Final => Self::FINAL,
            Extensibility::Appendable => Self::APPENDABLE,
            Extensibility::Mutable => Self::MUTABLE,
        }
    }
}
