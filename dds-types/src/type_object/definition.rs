//! Type objects: what types are made of (XTypes 1.3 §7.3.4.3 to §7.3.4.5 and Annex B).
//!
//! The minimal and the complete representation differ only in what they say of names and
//! annotations, so each structure is declared once, over an [`Equivalence`]. Annex B groups what
//! both have in final structures of their own (`Common…`); their fields are written out in place
//! here, as on the wire.

use super::annotation::{
    AnnotationParameterValue, AppliedAnnotation, AppliedBuiltinMemberAnnotations,
    AppliedBuiltinTypeAnnotations,
};
use super::codec::{Primitives, Record, record};
use super::flags::{MemberFlags, TypeFlags};
use super::identifier::{EquivalenceHash, EquivalenceKind, TypeIdentifier, invalid};
use crate::cdr::{CdrReader, CdrWriter, DecodeError, EncodeError, Endianness, XcdrVersion};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use md5::{Digest, Md5};

/// What the two representations of a type differ in.
pub trait Equivalence: Clone + fmt::Debug + PartialEq + 'static {
    /// Which it is.
    const KIND: EquivalenceKind;
    /// Whether array types are appendable; Annex B has it so for the complete ones only.
    const ARRAYS_ARE_APPENDABLE: bool;
    /// Name and annotations of a type.
    type TypeDetail: Record + Clone + fmt::Debug + PartialEq;
    /// The same of a collection, which need not have a name.
    type CollectionDetail: Record + Clone + fmt::Debug + PartialEq;
    /// Name and annotations of a member, literal or flag.
    type MemberDetail: MemberName + Record + Clone + fmt::Debug + PartialEq;
    /// Annotations of an element or of an alias' type.
    type ElementDetail: Record + Clone + fmt::Debug + PartialEq;
    /// Annotations of a discriminator.
    type DiscriminatorDetail: Record + Clone + fmt::Debug + PartialEq;
    /// Name of an annotation type.
    type AnnotationName: Record + Clone + fmt::Debug + PartialEq;
    /// Name of an annotation's parameter.
    type ParameterName: Record + Clone + fmt::Debug + PartialEq;

    /// The name in a [`Self::TypeDetail`].
    fn type_name(detail: &Self::TypeDetail) -> Option<&str>;

    /// The identifier of a type whose complete and minimal identifiers are these.
    fn choose<'a>(minimal: &'a TypeIdentifier, complete: &'a TypeIdentifier) -> &'a TypeIdentifier;

    /// The definition in a type object, where it is in this representation.
    fn definition(object: &TypeObject) -> Option<&TypeDefinition<Self>>;
}

/// What matters for assignability: names are hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimal;

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complete;

impl Equivalence for Minimal {
    const KIND: EquivalenceKind = EquivalenceKind::Minimal;
    const ARRAYS_ARE_APPENDABLE: bool = false;
    type TypeDetail = ();
    type CollectionDetail = ();
    type MemberDetail = NameHash;
    type ElementDetail = ();
    type DiscriminatorDetail = ();
    type AnnotationName = ();
    type ParameterName = NameHash;

    fn type_name(_detail: &()) -> Option<&str> {
        None
    }

    fn choose<'a>(minimal: &'a TypeIdentifier, _complete: &'a TypeIdentifier) -> &'a TypeIdentifier {
        minimal
    }

    fn definition(object: &TypeObject) -> Option<&MinimalTypeObject> {
        match object {
            TypeObject::Minimal(definition) => Some(definition),
            TypeObject::Complete(_) => None,
        }
    }
}

impl Equivalence for Complete {
    const KIND: EquivalenceKind = EquivalenceKind::Complete;
    const ARRAYS_ARE_APPENDABLE: bool = true;
    type TypeDetail = CompleteTypeDetail;
    type CollectionDetail = Option<CompleteTypeDetail>;
    type MemberDetail = CompleteMemberDetail;
    type ElementDetail = CompleteElementDetail;
    type DiscriminatorDetail = CompleteDiscriminatorDetail;
    type AnnotationName = String;
    type ParameterName = String;

    fn type_name(detail: &CompleteTypeDetail) -> Option<&str> {
        Some(&detail.type_name)
    }

    fn choose<'a>(_minimal: &'a TypeIdentifier, complete: &'a TypeIdentifier) -> &'a TypeIdentifier {
        complete
    }

    fn definition(object: &TypeObject) -> Option<&CompleteTypeObject> {
        match object {
            TypeObject::Complete(definition) => Some(definition),
            TypeObject::Minimal(_) => None,
        }
    }
}

/// The first four bytes of the MD5 of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameHash(pub [u8; 4]);

impl NameHash {
    /// That of `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let digest = Md5::digest(name.as_bytes());
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

impl Record for NameHash {
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        self.0.write(writer)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Record::read(reader).map(Self)
    }
}

/// The name of a member, as far as it is known.
pub trait MemberName {
    /// Its hash.
    fn name_hash(&self) -> NameHash;

    /// The name itself; complete representations have it.
    fn name(&self) -> Option<&str>;
}

impl MemberName for NameHash {
    fn name_hash(&self) -> NameHash {
        *self
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

impl MemberName for CompleteMemberDetail {
    fn name_hash(&self) -> NameHash {
        NameHash::of(&self.name)
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

record! {
    /// Name and annotations of a type.
    r#final CompleteTypeDetail {
        /// The standard's annotations.
        builtin_annotations: Option<AppliedBuiltinTypeAnnotations>,
        /// Users' annotations.
        custom_annotations: Option<Vec<AppliedAnnotation>>,
        /// Name, scopes separated by `::`.
        type_name: String,
    }

    /// Name and annotations of a member.
    r#final CompleteMemberDetail {
        /// Name.
        name: String,
        /// The standard's annotations.
        builtin_annotations: Option<AppliedBuiltinMemberAnnotations>,
        /// Users' annotations.
        custom_annotations: Option<Vec<AppliedAnnotation>>,
    }

    /// Annotations of an element.
    r#final CompleteElementDetail {
        /// The standard's annotations.
        builtin_annotations: Option<AppliedBuiltinMemberAnnotations>,
        /// Users' annotations.
        custom_annotations: Option<Vec<AppliedAnnotation>>,
    }

    /// Annotations of a discriminator.
    r#final CompleteDiscriminatorDetail {
        /// The standard's annotations.
        builtin_annotations: Option<AppliedBuiltinTypeAnnotations>,
        /// Users' annotations.
        custom_annotations: Option<Vec<AppliedAnnotation>>,
    }

    /// A structure.
    r#final StructureType<E> {
        /// Extensibility and others.
        flags: TypeFlags,
        /// Base and name.
        header: StructureHeader<E>,
        /// Members in order of declaration, those of the base not among them.
        members: Vec<StructureMember<E>>,
    }

    /// What precedes a structure's members.
    appendable StructureHeader<E> {
        /// The structure it extends, or none.
        base: TypeIdentifier,
        /// Name and annotations.
        detail: E::TypeDetail,
    }

    /// A member of a structure.
    appendable StructureMember<E> {
        /// Member id.
        id: u32,
        /// Key, optional and others.
        flags: MemberFlags,
        /// Type.
        member_type: TypeIdentifier,
        /// Name and annotations.
        detail: E::MemberDetail,
    }

    /// A union.
    r#final UnionType<E> {
        /// Extensibility and others.
        flags: TypeFlags,
        /// Name.
        header: TypeHeader<E>,
        /// What selects the case.
        discriminator: DiscriminatorMember<E>,
        /// Cases in order of declaration.
        cases: Vec<UnionCase<E>>,
    }

    /// The name of a type and nothing else.
    appendable TypeHeader<E> {
        /// Name and annotations.
        detail: E::TypeDetail,
    }

    /// What selects a union's case.
    appendable DiscriminatorMember<E> {
        /// Key and others.
        flags: MemberFlags,
        /// Type.
        discriminator_type: TypeIdentifier,
        /// Annotations.
        detail: E::DiscriminatorDetail,
    }

    /// A case of a union.
    appendable UnionCase<E> {
        /// Member id.
        id: u32,
        /// Default and others.
        flags: MemberFlags,
        /// Type of the member.
        member_type: TypeIdentifier,
        /// Discriminators that select it.
        labels: Primitives<i32>,
        /// Name and annotations.
        detail: E::MemberDetail,
    }

    /// The type of an annotation.
    r#final AnnotationType<E> {
        /// Unused.
        flags: TypeFlags,
        /// Name.
        header: AnnotationHeader<E>,
        /// Parameters in order of declaration.
        parameters: Vec<AnnotationParameter<E>>,
    }

    /// The name of an annotation.
    appendable AnnotationHeader<E> {
        /// The name, in the complete representation.
        name: E::AnnotationName,
    }

    /// A parameter of an annotation.
    appendable AnnotationParameter<E> {
        /// Unused.
        flags: MemberFlags,
        /// Type.
        parameter_type: TypeIdentifier,
        /// Name.
        name: E::ParameterName,
        /// What it is when not given.
        default_value: AnnotationParameterValue,
    }

    /// Another name for a type.
    r#final AliasType<E> {
        /// Unused.
        flags: TypeFlags,
        /// Name.
        header: TypeHeader<E>,
        /// What it stands for.
        body: AliasBody<E>,
    }

    /// What an alias stands for.
    appendable AliasBody<E> {
        /// Unused.
        flags: MemberFlags,
        /// The type.
        related_type: TypeIdentifier,
        /// Annotations.
        detail: E::ElementDetail,
    }

    /// Elements of a collection.
    appendable CollectionElement<E> {
        /// What becomes of those that do not fit.
        flags: MemberFlags,
        /// Type.
        element_type: TypeIdentifier,
        /// Annotations.
        detail: E::ElementDetail,
    }

    /// What precedes the element of a sequence or map.
    appendable CollectionHeader<E> {
        /// Most elements, 0 when unbounded.
        bound: u32,
        /// Name and annotations.
        detail: E::CollectionDetail,
    }

    /// A sequence with annotations.
    r#final SequenceType<E> {
        /// Unused.
        flags: TypeFlags,
        /// Bound.
        header: CollectionHeader<E>,
        /// Elements.
        element: CollectionElement<E>,
    }

    /// What precedes the element of an array.
    appendable ArrayHeader<E> {
        /// The dimensions, the outermost first.
        dimensions: Primitives<u32>,
        /// Name and annotations.
        detail: E::TypeDetail,
    }

    /// A map with annotations.
    r#final MapType<E> {
        /// Unused.
        flags: TypeFlags,
        /// Bound.
        header: CollectionHeader<E>,
        /// Keys.
        key: CollectionElement<E>,
        /// Values.
        element: CollectionElement<E>,
    }

    /// An enumeration.
    r#final EnumerationType<E> {
        /// Extensibility.
        flags: TypeFlags,
        /// Size and name.
        header: EnumeratedHeader<E>,
        /// Literals in order of their values.
        literals: Vec<EnumerationLiteral<E>>,
    }

    /// What precedes the literals of an enumeration or the flags of a bitmask.
    appendable EnumeratedHeader<E> {
        /// Bits of a value.
        bit_bound: u16,
        /// Name and annotations.
        detail: E::TypeDetail,
    }

    /// A literal of an enumeration.
    appendable EnumerationLiteral<E> {
        /// Value and flags.
        common: CommonEnumeratedLiteral,
        /// Name and annotations.
        detail: E::MemberDetail,
    }

    /// What both representations have of a literal; Annex B declares it appendable.
    appendable CommonEnumeratedLiteral {
        /// Value.
        value: i32,
        /// Whether it is the default.
        flags: MemberFlags,
    }

    /// A bitmask.
    appendable BitmaskType<E> {
        /// Unused.
        type_flags: TypeFlags,
        /// Size and name.
        header: EnumeratedHeader<E>,
        /// Flags in order of their positions.
        flags: Vec<Bitflag<E>>,
    }

    /// A flag of a bitmask.
    appendable Bitflag<E> {
        /// Bit, counted from the least significant.
        position: u16,
        /// Unused.
        flags: MemberFlags,
        /// Name and annotations.
        detail: E::MemberDetail,
    }

    /// A bitset.
    appendable BitsetType<E> {
        /// Unused.
        flags: TypeFlags,
        /// Name.
        header: TypeHeader<E>,
        /// Fields in order of declaration.
        fields: Vec<Bitfield<E>>,
    }

    /// A field of a bitset.
    appendable Bitfield<E> {
        /// Lowest bit.
        position: u16,
        /// Unused.
        flags: MemberFlags,
        /// Number of bits.
        bit_count: u8,
        /// The primitive type that holds it, as the octet of its kind.
        holder_type: u8,
        /// Name and annotations.
        detail: E::MemberDetail,
    }
}

/// An array with annotations.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayType<E: Equivalence> {
    /// Unused.
    pub flags: TypeFlags,
    /// Dimensions.
    pub header: ArrayHeader<E>,
    /// Elements.
    pub element: CollectionElement<E>,
}

impl<E: Equivalence> Record for ArrayType<E> {
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        let delimiter = E::ARRAYS_ARE_APPENDABLE.then(|| writer.begin_appendable());
        self.flags.write(writer)?;
        self.header.write(writer)?;
        self.element.write(writer)?;
        delimiter.map_or(Ok(()), |delimiter| writer.end_delimited(delimiter))
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let body = |reader: &mut CdrReader<'_>| {
            Ok(Self {
                flags: Record::read(reader)?,
                header: Record::read(reader)?,
                element: Record::read(reader)?,
            })
        };
        if E::ARRAYS_ARE_APPENDABLE { reader.read_delimited(body) } else { body(reader) }
    }
}

/// Declares [`TypeDefinition`] by the octet, name and type of each case.
macro_rules! definitions {
    ($($(#[$doc:meta])* $case:ident($type:ident) = $octet:literal;)*) => {
        /// A type, in one of its representations.
        #[derive(Clone, Debug, PartialEq)]
        pub enum TypeDefinition<E: Equivalence> {
            $($(#[$doc])* $case($type<E>),)*
        }

        impl<E: Equivalence> Record for TypeDefinition<E> {
            const MINIMUM_SIZE: usize = 5;

            fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
                match self {
                    $(Self::$case(value) => {
                        writer.write_u8($octet);
                        value.write(writer)
                    })*
                }
            }

            fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                Ok(match reader.read_u8()? {
                    $($octet => Self::$case(Record::read(reader)?),)*
                    other => return Err(invalid(reader, "type kind", other)),
                })
            }
        }
    };
}

definitions! {
    /// Another name for a type.
    Alias(AliasType) = 0x30;
    /// An enumeration.
    Enumeration(EnumerationType) = 0x40;
    /// A bitmask.
    Bitmask(BitmaskType) = 0x41;
    /// The type of an annotation.
    Annotation(AnnotationType) = 0x50;
    /// A structure.
    Structure(StructureType) = 0x51;
    /// A union.
    Union(UnionType) = 0x52;
    /// A bitset.
    Bitset(BitsetType) = 0x53;
    /// A sequence.
    Sequence(SequenceType) = 0x60;
    /// An array.
    Array(ArrayType) = 0x61;
    /// A map.
    Map(MapType) = 0x62;
}

/// Declares a method that calls back with each identifier, shared or mutable.
macro_rules! visit_types {
    ($(#[$doc:meta])* $name:ident, $iter:ident $(, $mutable:ident)?) => {
        $(#[$doc])*
        pub fn $name<'a>(&'a $($mutable)? self, mut visit: impl FnMut(&'a $($mutable)? TypeIdentifier)) {
            match self {
                Self::Alias(alias) => visit(&$($mutable)? alias.body.related_type),
                Self::Annotation(annotation) => {
                    annotation
                        .parameters
                        .$iter()
                        .for_each(|parameter| visit(&$($mutable)? parameter.parameter_type));
                }
                Self::Structure(structure) => {
                    visit(&$($mutable)? structure.header.base);
                    structure.members.$iter().for_each(|member| visit(&$($mutable)? member.member_type));
                }
                Self::Union(union) => {
                    visit(&$($mutable)? union.discriminator.discriminator_type);
                    union.cases.$iter().for_each(|case| visit(&$($mutable)? case.member_type));
                }
                Self::Sequence(sequence) => visit(&$($mutable)? sequence.element.element_type),
                Self::Array(array) => visit(&$($mutable)? array.element.element_type),
                Self::Map(map) => {
                    visit(&$($mutable)? map.key.element_type);
                    visit(&$($mutable)? map.element.element_type);
                }
                Self::Enumeration(_) | Self::Bitmask(_) | Self::Bitset(_) => {}
            }
        }
    };
}

/// What matters of a type for assignability.
pub type MinimalTypeObject = TypeDefinition<Minimal>;
/// Everything about a type.
pub type CompleteTypeObject = TypeDefinition<Complete>;

impl<E: Equivalence> TypeDefinition<E> {
    /// The type's name, in the complete representation; collections need not have one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let detail = match self {
            Self::Alias(alias) => &alias.header.detail,
            Self::Enumeration(enumeration) => &enumeration.header.detail,
            Self::Bitmask(bitmask) => &bitmask.header.detail,
            Self::Structure(structure) => &structure.header.detail,
            Self::Union(union) => &union.header.detail,
            Self::Bitset(bitset) => &bitset.header.detail,
            Self::Array(array) => &array.header.detail,
            Self::Annotation(_) | Self::Sequence(_) | Self::Map(_) => return None,
        };
        E::type_name(detail)
    }

    visit_types!(
        /// Calls `visit` with the identifiers of the types it is made of directly, bases and elements
        /// included.
        for_each_type, iter
    );
    visit_types!(
        /// As [`for_each_type`](Self::for_each_type), to change them.
        for_each_type_mut, iter_mut, mut
    );
}

/// A type object: what a hash stands for.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one in two is complete")]
pub enum TypeObject {
    /// In the minimal representation.
    Minimal(MinimalTypeObject),
    /// In the complete one.
    Complete(CompleteTypeObject),
}

impl TypeObject {
    /// Which representation it is.
    #[must_use]
    pub const fn kind(&self) -> EquivalenceKind {
        match self {
            Self::Minimal(_) => EquivalenceKind::Minimal,
            Self::Complete(_) => EquivalenceKind::Complete,
        }
    }

    /// Its bytes in little-endian XCDR2, without an encapsulation header: what is hashed.
    ///
    /// # Errors
    /// It holds a string with a NUL, or 4 GiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        to_bytes(self)
    }

    /// Reads all of `bytes`, which are little-endian XCDR2 without an encapsulation header.
    ///
    /// # Errors
    /// They are no type object, or more than one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        from_bytes(bytes)
    }

    /// The hash that names it (XTypes 1.3 §7.3.1.2.1.6).
    ///
    /// Types that contain themselves are named otherwise: see [`component_hash`].
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn hash(&self) -> Result<EquivalenceHash, EncodeError> {
        Ok(hash_of(self.kind(), &self.to_bytes()?))
    }

    /// The identifiers of the types it is made of directly, bases and elements included.
    pub fn for_each_type<'a>(&'a self, visit: impl FnMut(&'a TypeIdentifier)) {
        match self {
            Self::Minimal(definition) => definition.for_each_type(visit),
            Self::Complete(definition) => definition.for_each_type(visit),
        }
    }

    /// As [`for_each_type`](Self::for_each_type), to change them.
    pub(super) fn for_each_type_mut(&mut self, visit: &mut impl FnMut(&mut TypeIdentifier)) {
        match self {
            Self::Minimal(definition) => definition.for_each_type_mut(visit),
            Self::Complete(definition) => definition.for_each_type_mut(visit),
        }
    }
}

impl Record for TypeObject {
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        let delimiter = writer.begin_appendable();
        writer.write_u8(self.kind().octet());
        match self {
            Self::Minimal(definition) => definition.write(writer)?,
            Self::Complete(definition) => definition.write(writer)?,
        }
        writer.end_delimited(delimiter)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        reader.read_delimited(|reader| {
            Ok(match EquivalenceKind::read(reader)? {
                EquivalenceKind::Minimal => Self::Minimal(Record::read(reader)?),
                EquivalenceKind::Complete => Self::Complete(Record::read(reader)?),
            })
        })
    }
}

/// The hash of types that contain each other, taken together in order of their names, each
/// referring to the others by identifiers whose hash is zero (XTypes 1.3 §7.3.4.9).
///
/// # Errors
/// As [`TypeObject::to_bytes`].
pub fn component_hash(
    kind: EquivalenceKind,
    objects: &Vec<TypeObject>,
) -> Result<EquivalenceHash, EncodeError> {
    Ok(hash_of(kind, &to_bytes(objects)?))
}

fn hash_of(kind: EquivalenceKind, bytes: &[u8]) -> EquivalenceHash {
    let digest = Md5::digest(bytes);
    EquivalenceHash { kind, hash: digest.first_chunk().copied().unwrap_or_default() }
}

/// A record in little-endian XCDR2.
///
/// # Errors
/// It holds a string with a NUL, or 4 GiB.
pub fn to_bytes<T: Record>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    value.write(&mut CdrWriter::new(&mut bytes, Endianness::Little, XcdrVersion::Xcdr2))?;
    Ok(bytes)
}

/// A record that fills `bytes`, in little-endian XCDR2.
///
/// # Errors
/// The bytes are no such record, or more than one.
pub fn from_bytes<T: Record>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut reader = CdrReader::new(bytes, Endianness::Little, XcdrVersion::Xcdr2);
    let value = T::read(&mut reader)?;
    match reader.remaining().len() {
        0 => Ok(value),
        rest => Err(reader.error(crate::DecodeErrorKind::TrailingBytes(rest))),
    }
}
