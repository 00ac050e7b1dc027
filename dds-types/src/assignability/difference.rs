//! What keeps a writer's type from being read as the reader's.

use crate::type_description::Extensibility;
use alloc::string::String;
use core::fmt;

/// The first thing that keeps a writer's type from being assigned to a reader's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where it is: members joined by dots, `[]` for elements, `{key}` for keys of maps; empty for
    /// the types themselves. A member whose name is not known is its id in parentheses.
    pub path: String,
    /// What it is.
    pub kind: DifferenceKind,
    /// The type at that place in the reader's type, as far as it has a name.
    pub reader: String,
    /// The type at that place in the writer's type.
    pub writer: String,
}

/// Which of the two types is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The reader's.
    Reader,
    /// The writer's.
    Writer,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
        })
    }
}

/// What two types differ in (XTypes 1.3 §7.2.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// One is not assignable to the other at all, such as a string and a number.
    Incompatible,
    /// They may change in different ways.
    Extensibility {
        /// How the reader's may.
        reader: Option<Extensibility>,
        /// How the writer's may.
        writer: Option<Extensibility>,
    },
    /// A string, sequence or map of the writer may be longer than the reader takes; 0 is unbounded.
    Bound {
        /// The reader's bound.
        reader: u32,
        /// The writer's bound.
        writer: u32,
    },
    /// Arrays of different dimensions.
    Dimensions,
    /// Bitmasks or enumerations of different sizes.
    BitBound {
        /// The reader's bits.
        reader: u16,
        /// The writer's bits.
        writer: u16,
    },
    /// A member that both must have is in one type only.
    MissingMember {
        /// The type that lacks it.
        lacking: Side,
        /// Why both must have it.
        because: Because,
    },
    /// Members in the same place have different ids.
    MemberId {
        /// The reader's id.
        reader: u32,
        /// The writer's id.
        writer: u32,
    },
    /// Members with one id have different names, or with one name different ids.
    MemberName,
    /// One member is optional, the other is not.
    Optional,
    /// The type of a key member cannot hold every key of the writer.
    KeyNarrowed,
    /// The discriminator is a key in one union only.
    DiscriminatorKey,
    /// The types have no member in common.
    NothingInCommon,
    /// A literal means different things, or is in one enumeration only although they are final.
    Literal {
        /// Its value.
        value: i32,
    },
    /// A discriminator selects a case in one union only.
    Label {
        /// Its value.
        value: i32,
    },
    /// The writer's type differs from the reader's in its place and does not say where it ends: final
    /// types, and appendable ones in XCDR1.
    NotDelimited,
    /// They are assignable but not equal, and the reader disallows coercion.
    NotEqual,
    /// The reader forces validation, and the other side announces no type information.
    NoTypeInformation,
    /// They are made of more types, or nest deeper, than are compared.
    TooComplex,
}

/// Why both types must have a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// It is a key.
    Key,
    /// It must be understood.
    MustUnderstand,
    /// The types are final.
    Final,
    /// The reader prevents widening.
    WideningPrevented,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, kind, reader, writer } = self;
        if !path.is_empty() {
            write!(f, "member {path}: ")?;
        }
        match kind {
            DifferenceKind::Incompatible => {
                write!(f, "the reader's type is {reader}, the writer's {writer}; make them equal")
            }
            DifferenceKind::Extensibility { reader: ours, writer: theirs } => write!(
                f,
                "the reader's {reader} is {}, the writer's {writer} {}; declare the same extensibility",
                extensibility(*ours),
                extensibility(*theirs)
            ),
            DifferenceKind::Bound { reader: ours, writer: theirs } => write!(
                f,
                "the reader takes at most {ours} elements, the writer's bound is {}; raise the reader's bound, \
                 or let it ignore bounds",
                Bound(*theirs)
            ),
            DifferenceKind::Dimensions => {
                write!(f, "the reader's {reader} and the writer's {writer} have different dimensions")
            }
            DifferenceKind::BitBound { reader: ours, writer: theirs } => {
                write!(f, "the reader's bit bound is {ours}, the writer's {theirs}; make them equal")
            }
            DifferenceKind::MissingMember { lacking, because } => {
                write!(f, "the {lacking}'s {} lacks it, {because}", self.of(*lacking))
            }
            DifferenceKind::MemberId { reader, writer } => write!(
                f,
                "its id is {reader:#x} in the reader's type and {writer:#x} in the same place of the writer's; \
                 add members at the end only, or make the type mutable"
            ),
            DifferenceKind::MemberName => write!(
                f,
                "it is not the member of that id or name in the other type; rename it, or let the reader ignore \
                 member names"
            ),
            DifferenceKind::Optional => f.write_str("it is optional in one type only; make it so in both"),
            DifferenceKind::KeyNarrowed => write!(
                f,
                "the reader's key of type {reader} cannot hold every key of the writer's {writer}; widen it"
            ),
            DifferenceKind::DiscriminatorKey => f.write_str("the discriminator is a key in one type only"),
            DifferenceKind::NothingInCommon => {
                write!(f, "the reader's {reader} and the writer's {writer} have no member in common")
            }
            DifferenceKind::Literal { value } => {
                write!(
                    f,
                    "literal {value} is not the same in the reader's {reader} and the writer's {writer}"
                )
            }
            DifferenceKind::Label { value } => write!(
                f,
                "discriminator {value} selects a case in one of the reader's {reader} and the writer's {writer} only"
            ),
            DifferenceKind::NotDelimited => write!(
                f,
                "the writer's {writer} differs from the reader's {reader} and does not say where it ends; make it \
                 appendable or mutable and write XCDR2"
            ),
            DifferenceKind::NotEqual => write!(
                f,
                "the reader's {reader} and the writer's {writer} differ; make them equal, or allow coercion"
            ),
            DifferenceKind::NoTypeInformation => {
                f.write_str("the reader forces type validation, but no type information is announced")
            }
            DifferenceKind::TooComplex => f.write_str("the types are too large to be compared"),
        }
    }
}

impl Difference {
    fn of(&self, side: Side) -> &str {
        match side {
            Side::Reader => &self.reader,
            Side::Writer => &self.writer,
        }
    }
}

fn extensibility(extensibility: Option<Extensibility>) -> &'static str {
    match extensibility {
        Some(Extensibility::Final) => "final",
        Some(Extensibility::Appendable) => "appendable",
        Some(Extensibility::Mutable) => "mutable",
        None => "of no known extensibility",
    }
}

struct Bound(u32);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("none"),
            bound => bound.fmt(f),
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "though it is a key",
            Self::MustUnderstand => "though it must be understood",
            Self::Final => "though the type is final: make it appendable or mutable in both",
            Self::WideningPrevented => "and the reader prevents widening",
        })
    }
}
