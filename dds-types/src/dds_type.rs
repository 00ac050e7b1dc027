//! What every value in a sample can do.

use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::type_description::TypeDescription;
use alloc::vec::Vec;

/// A type that can be in a sample: primitives, strings, collections, and whatever derives it.
///
/// `Option` is not among them: only members can be optional, and the derive sees to those.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent in a DDS sample",
    label = "not a DDS type",
    note = "derive `DdsType` for your own types; integers need a fixed size, and `Option` is only possible \
            as the outermost type of a member"
)]
pub trait DdsType: Sized {
    /// The part of the type that counts where it is in a key: the key members of a structure that
    /// has some, else the type itself (XTypes 1.3 §7.6.8.3.1).
    type Key: DdsType;

    /// The data a type object needs.
    const DESCRIPTION: &'static TypeDescription;
    /// Whether sequences and arrays of it go without DHEADER in XCDR2.
    const IS_PRIMITIVE: bool = false;
    /// How its size is known where it is a member of a mutable structure in XCDR2.
    const LENGTH_CODE: LengthCode = LengthCode::Separate;
    /// Fewest bytes of any value in any encoding. Checked before anything is allocated.
    const MINIMUM_SIZE: usize;

    /// Appends the value.
    ///
    /// # Errors
    /// The value breaks a bound of its type.
    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError>;

    /// Reads a value.
    ///
    /// # Errors
    /// The bytes are no value of this type.
    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError>;

    /// As [`read`](Self::read), over a value whose memory is used again where its type has some. After an
    /// error it is any value of the type.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_over(&mut self, reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        *self = Self::read(reader)?;
        Ok(())
    }

    /// Moves past a value, looking only at lengths.
    ///
    /// # Errors
    /// The bytes end early.
    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        Self::read(reader).map(drop)
    }

    /// The value of a member that a sample lacks (XTypes 1.3 Table 9).
    fn initial() -> Self;

    /// A copy of the value; `Clone` is not asked of DDS types.
    fn duplicate(&self) -> Self;

    /// The key part of the value.
    fn to_key(&self) -> Self::Key;

    /// Appends the key part of the value: what [`Self::Key`] would write.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_key(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        self.write(writer)
    }

    /// Copies the key part of a value from an encoding to another without making the value.
    /// Leaves the reader anywhere.
    ///
    /// # Errors
    /// The bytes are no value of this type.
    fn transcode_key(reader: &mut CdrReader<'_>, writer: &mut CdrWriter<'_>) -> Result<(), DecodeError> {
        let offset = reader.position();
        Self::read(reader)?
            .write_key(writer)
            .map_err(|error| DecodeError { kind: DecodeErrorKind::NotEncodable(error.kind), offset })
    }

    /// Adds the largest canonical encoding to `size`.
    fn add_size(size: &mut MaximumSize);

    /// Appends the values without a length.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_all(values: &[Self], writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        values.iter().try_for_each(|value| value.write(writer))
    }

    /// Reads `count` values that follow each other.
    ///
    /// # Errors
    /// As [`read`](Self::read); also when `count` values cannot be in what is left.
    fn read_all(reader: &mut CdrReader<'_>, count: usize) -> Result<Vec<Self>, DecodeError> {
        let mut values = vec_for::<Self>(reader, count)?;
        for _ in 0..count {
            values.push(Self::read(reader)?);
        }
        Ok(values)
    }

    /// As [`read_all`](Self::read_all), over what a vector holds.
    ///
    /// # Errors
    /// As [`read_all`](Self::read_all).
    fn read_all_over(
        values: &mut Vec<Self>,
        reader: &mut CdrReader<'_>,
        count: usize,
    ) -> Result<(), DecodeError> {
        check_count::<Self>(reader, count)?;
        values.truncate(count);
        values.iter_mut().try_for_each(|value| value.read_over(reader))?;
        let more = Self::read_all(reader, count.saturating_sub(values.len()))?;
        values.extend(more);
        Ok(())
    }

    /// Reads the `N` elements of an array.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_array<const N: usize>(reader: &mut CdrReader<'_>) -> Result<[Self; N], DecodeError> {
        let mut values = Vec::with_capacity(N.min(reader.remaining().len()));
        for _ in 0..N {
            values.push(Self::read_dimension(reader)?);
        }
        values.try_into().map_err(|_| reader.error(DecodeErrorKind::InvalidLength(0)))
    }

    /// Moves past `count` values that follow each other.
    ///
    /// # Errors
    /// As [`skip`](Self::skip).
    fn skip_all(reader: &mut CdrReader<'_>, count: usize) -> Result<(), DecodeError> {
        check_count::<Self>(reader, count)?;
        (0..count).try_for_each(|_| Self::skip(reader))
    }

    /// Whether the type is an array.
    const IS_ARRAY: bool = false;
    /// Whether the type is an array whose innermost element is primitive, or primitive itself.
    const IS_FLAT: bool = Self::IS_PRIMITIVE;

    /// As [`write`](Self::write), of an array without its DHEADER: inner dimensions have none.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_dimension(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        self.write(writer)
    }

    /// As [`read`](Self::read), of an array without its DHEADER.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_dimension(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Self::read(reader)
    }

    /// As [`skip`](Self::skip), of an array without its DHEADER.
    ///
    /// # Errors
    /// As [`skip`](Self::skip).
    fn skip_dimension(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        Self::skip(reader)
    }
}

/// A type whose length can be bounded: strings, sequences and maps.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bounded",
    note = "`#[dds(bounded(N))]` is for strings, sequences (`Vec`) and maps"
)]
pub trait Bounded: DdsType {
    /// Length as the bound counts it: bytes of strings, UTF-16 code units of wide strings,
    /// elements of the others.
    fn length(&self) -> usize;

    /// Reads only the length.
    ///
    /// # Errors
    /// The bytes end early.
    fn read_length(reader: &mut CdrReader<'_>) -> Result<usize, DecodeError>;

    /// As [`DdsType::add_size`], of a value of at most `bound`.
    fn add_size_bounded(size: &mut MaximumSize, bound: usize);

    /// Cuts the value off at its bound: `@try_construct(TRIM)`.
    fn trim(&mut self, bound: usize);

    /// Refuses a value above its bound.
    ///
    /// # Errors
    /// The value is longer than `bound`.
    fn check_bound(&self, bound: usize) -> Result<(), EncodeError> {
        match self.length() {
            length if length > bound => Err(EncodeErrorKind::BoundExceeded { length, bound }.into()),
            _ => Ok(()),
        }
    }

    /// Refuses an encoded value above its bound, reading nothing.
    ///
    /// # Errors
    /// The value is longer than `bound`, or the bytes end early.
    fn check_encoded_bound(reader: &CdrReader<'_>, bound: usize) -> Result<(), DecodeError> {
        match Self::read_length(&mut reader.clone())? {
            length if length > bound => Err(reader.error(DecodeErrorKind::BoundExceeded { length, bound })),
            _ => Ok(()),
        }
    }
}

/// A type that can select the case of a union.
pub trait Discriminator: DdsType {
    /// The value as a case label.
    fn label(&self) -> i64;

    /// The value that a label stands for, if the type has it.
    fn from_label(label: i64) -> Option<Self>;
}

/// How a mutable member's size is known in XCDR2: the LC field of EMHEADER (XTypes 1.3
/// §7.4.3.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum LengthCode {
    /// One byte.
    One = 0,
    /// Two bytes.
    Two = 1,
    /// Four bytes.
    Four = 2,
    /// Eight bytes.
    Eight = 3,
    /// A length follows the header.
    Separate = 4,
    /// The value begins with its length in bytes.
    Own = 5,
    /// The value begins with its length in units of four bytes.
    OwnFours = 6,
    /// The value begins with its length in units of eight bytes.
    OwnEights = 7,
}

/// The largest canonical encoding of a type, summed up member by member.
#[derive(Clone, Copy, Debug)]
pub struct MaximumSize {
    position: Option<usize>,
    depth: u16,
}

impl Default for MaximumSize {
    fn default() -> Self {
        Self { position: Some(0), depth: 0 }
    }
}

impl MaximumSize {
    /// Sums above this count as unbounded: nobody asks how far above 16 bytes they are.
    const LIMIT: usize = 1 << 20;

    /// The sum, `None` when unbounded.
    pub const fn get(&self) -> Option<usize> {
        self.position
    }

    /// Adds a value of `size` bytes aligned to `alignment`, at most 4.
    pub fn add(&mut self, alignment: usize, size: usize) {
        self.position = self
            .position
            .and_then(|position| position.checked_next_multiple_of(alignment.clamp(1, 4)))
            .and_then(|position| position.checked_add(size))
            .filter(|position| *position <= Self::LIMIT);
    }

    /// Notes a value without bound.
    pub fn add_unbounded(&mut self) {
        self.position = None;
    }

    /// Adds `count` values of a type.
    pub fn add_all<T: DdsType>(&mut self, count: usize) {
        for _ in 0..count {
            if self.position.is_none() {
                return;
            }
            let before = self.position;
            T::add_size(self);
            if self.position == before {
                return;
            }
        }
    }

    /// Raises the sum to what it is after `start` and what `alternative` adds, if that is more.
    pub fn add_alternative(&mut self, start: Self, alternative: impl FnOnce(&mut Self)) {
        let mut other = start;
        alternative(&mut other);
        self.position = self.position.zip(other.position).map(|(one, other)| one.max(other));
    }

    /// Adds what `members` adds, unless the type nests without end.
    pub fn nested(&mut self, members: impl FnOnce(&mut Self)) {
        if self.depth >= CdrReader::MAX_DEPTH {
            self.position = None;
            return;
        }
        self.depth = self.depth.saturating_add(1);
        members(self);
        self.depth = self.depth.saturating_sub(1);
    }
}

/// Refuses a count of values that cannot be in what is left.
pub(crate) fn check_count<T: DdsType>(reader: &CdrReader<'_>, count: usize) -> Result<(), DecodeError> {
    let needed = count.saturating_mul(T::MINIMUM_SIZE.max(1));
    let available = reader.remaining().len();
    if needed > available {
        return Err(reader.error(DecodeErrorKind::UnexpectedEnd { needed, available }));
    }
    Ok(())
}

/// A vector for `count` values. Reserves no more memory than there is input; the rest grows with
/// what is really decoded.
pub(crate) fn vec_for<T: DdsType>(reader: &CdrReader<'_>, count: usize) -> Result<Vec<T>, DecodeError> {
    check_count::<T>(reader, count)?;
    let affordable = reader.remaining().len().checked_div(size_of::<T>()).unwrap_or(count);
    Ok(Vec::with_capacity(count.min(affordable)))
}

/// A label for the default case of a union: the smallest that no case has and the discriminator
/// can be (XTypes 1.3 §7.2.2.4.4.3).
pub fn unused_label(discriminator: &TypeDescription, labels: &[i64]) -> i64 {
    let free = |label: &i64| !labels.contains(label);
    let found = match discriminator {
        TypeDescription::Enumeration(enumeration) => {
            enumeration.literals.iter().map(|literal| i64::from(literal.value)).find(free)
        }
        _ => (0..=i64::MAX).find(free),
    };
    found.unwrap_or(i64::MAX)
}
