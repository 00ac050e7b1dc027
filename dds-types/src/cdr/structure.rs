//! Headers of structures, members and collections (XTypes 1.3 §7.4.1.2 and §7.4.3.4).

use super::{
    CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Endianness, XcdrVersion,
};
use crate::dds_type::LengthCode;

/// Length of what follows is in the next eight bytes, with a 32-bit id (XTypes 1.3 Table 34).
const PID_EXTENDED: u16 = 0x3f01;
/// Ends the members of a mutable structure.
const PID_LIST_END: u16 = 0x3f02;
/// To be skipped.
const PID_IGNORE: u16 = 0x3f03;
const PID_MASK: u16 = 0x3fff;
/// Set on the reserved ids too, as the standard wants.
const PID_MUST_UNDERSTAND: u16 = 0x4000;
/// The id is not the type's but the implementation's.
const PID_IMPLEMENTATION: u16 = 0x8000;
const EXTENDED_MUST_UNDERSTAND: u32 = 0x4000_0000;
const EXTENDED_IMPLEMENTATION: u32 = 0x8000_0000;
const EMHEADER_MUST_UNDERSTAND: u32 = 0x8000_0000;
const EMHEADER_LENGTH_CODE_SHIFT: u32 = 28;
const MEMBER_ID_MASK: u32 = 0x0fff_ffff;

/// Identifies a member on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberHeader {
    /// Member id, at most 28 bits.
    pub id: u32,
    /// Whether a reader that does not know the member must refuse the sample.
    pub must_understand: bool,
}

/// Where a length will be written when it is known. Give it back to the writer.
#[derive(Debug)]
#[must_use = "the length is written when this is given back"]
pub struct Delimiter(Option<usize>);

impl CdrWriter<'_> {
    /// Whether structures go without headers, as final ones, for canonical keys.
    pub const fn is_canonical(&self) -> bool {
        self.canonical
    }

    /// Begins a sequence, array or map of non-primitive elements: DHEADER in XCDR2.
    pub fn begin_collection(&mut self) -> Delimiter {
        if self.version() == XcdrVersion::Xcdr1 {
            return Delimiter(None);
        }
        self.reserve_length()
    }

    /// Begins an appendable structure or union: DHEADER in XCDR2.
    pub fn begin_appendable(&mut self) -> Delimiter {
        if self.canonical { Delimiter(None) } else { self.begin_collection() }
    }

    /// Ends what [`begin_collection`](Self::begin_collection) or
    /// [`begin_appendable`](Self::begin_appendable) began.
    ///
    /// # Errors
    /// It has 4 GiB or more.
    pub fn end_delimited(&mut self, delimiter: Delimiter) -> Result<(), EncodeError> {
        let Some(room) = delimiter.0.and_then(|at| self.out.get_mut(at..)) else {
            return Ok(());
        };
        let length = room.len().saturating_sub(4);
        let value = u32::try_from(length).map_err(|_| EncodeErrorKind::LengthOverflow(length))?;
        if let Some(room) = room.first_chunk_mut() {
            *room = match self.endianness {
                Endianness::Big => value.to_be_bytes(),
                Endianness::Little => value.to_le_bytes(),
            };
        }
        Ok(())
    }

    /// Begins a mutable structure.
    pub fn begin_mutable(&mut self) -> Delimiter {
        self.begin_appendable()
    }

    /// Ends a mutable structure.
    ///
    /// # Errors
    /// It has 4 GiB or more.
    pub fn end_mutable(&mut self, delimiter: Delimiter) -> Result<(), EncodeError> {
        if self.version() == XcdrVersion::Xcdr1 && !self.canonical {
            self.align(4);
            self.write_u16(PID_LIST_END | PID_MUST_UNDERSTAND);
            self.write_u16(0);
        }
        self.end_delimited(delimiter)
    }

    /// Writes a member of a mutable structure; `length_code` is that of its type.
    ///
    /// The must-understand flag is set only where declared, not for every key member: peers do not
    /// expect it there, and readers without the key member do not match anyway.
    ///
    /// # Errors
    /// Those of `value`; also when it has 4 GiB or more.
    pub fn write_member(
        &mut self,
        header: MemberHeader,
        length_code: LengthCode,
        value: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.canonical {
            return value(self);
        }
        match self.version() {
            XcdrVersion::Xcdr1 => self.write_parameter(header, |writer| {
                value(writer)?;
                // XTypes 1.3 states the unpadded length, 1.1 the padded one. Readers of either take
                // the padded one, so that is what peers write.
                writer.align(4);
                Ok(())
            }),
            XcdrVersion::Xcdr2 => {
                let flag = if header.must_understand { EMHEADER_MUST_UNDERSTAND } else { 0 };
                let code = (length_code as u32) << EMHEADER_LENGTH_CODE_SHIFT;
                self.write_u32(flag | code | (header.id & MEMBER_ID_MASK));
                let delimiter = match length_code {
                    LengthCode::Separate => self.reserve_length(),
                    _ => Delimiter(None),
                };
                value(self)?;
                self.end_delimited(delimiter)
            }
        }
    }

    /// Writes an optional member of a final or appendable structure: a parameter in XCDR1, empty
    /// when absent (XTypes 1.3 §7.4.1.1.5.2), a boolean and the value in XCDR2.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_optional<T>(
        &mut self,
        header: MemberHeader,
        value: Option<&T>,
        write: impl FnOnce(&T, &mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        match (self.version(), value) {
            (XcdrVersion::Xcdr1, _) => {
                self.write_parameter(header, |writer| value.map_or(Ok(()), |value| write(value, writer)))
            }
            (XcdrVersion::Xcdr2, Some(value)) => {
                self.write_bool(true);
                write(value, self)
            }
            (XcdrVersion::Xcdr2, None) => {
                self.write_bool(false);
                Ok(())
            }
        }
    }

    /// Writes an optional member of a mutable structure: nothing when absent.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_optional_member<T>(
        &mut self,
        header: MemberHeader,
        length_code: LengthCode,
        value: Option<&T>,
        write: impl FnOnce(&T, &mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        match value {
            _ if self.canonical => self.write_optional(header, value, write),
            Some(value) => self.write_member(header, length_code, |writer| write(value, writer)),
            None => Ok(()),
        }
    }

    /// Writes an XCDR1 parameter, always with the extended header: the length is not known before
    /// the value is written. The value aligns from its own start.
    fn write_parameter(
        &mut self,
        header: MemberHeader,
        value: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let flag = if header.must_understand { EXTENDED_MUST_UNDERSTAND } else { 0 };
        self.align(4);
        self.write_u16(PID_EXTENDED | PID_MUST_UNDERSTAND);
        self.write_u16(8);
        self.write_u32(flag | (header.id & MEMBER_ID_MASK));
        let delimiter = self.reserve_length();
        let origin = core::mem::replace(&mut self.origin, self.out.len());
        value(self)?;
        self.origin = origin;
        self.end_delimited(delimiter)
    }

    fn reserve_length(&mut self) -> Delimiter {
        self.align(4);
        let at = self.out.len();
        self.write_u32(0);
        Delimiter(Some(at))
    }
}

/// A member found by [`CdrReader::read_mutable`].
pub(crate) struct FoundMember {
    pub(crate) header: MemberHeader,
    pub(crate) length: usize,
}

impl CdrReader<'_> {
    /// Whether structures come without headers, as final ones, in canonical keys.
    pub const fn is_canonical(&self) -> bool {
        self.canonical
    }

    /// Whether collections of non-primitive elements begin with their length in bytes.
    pub fn has_collection_headers(&self) -> bool {
        self.version() == XcdrVersion::Xcdr2
    }

    /// Whether appendable structures begin with their length in bytes.
    pub fn has_delimiters(&self) -> bool {
        !self.canonical && self.has_collection_headers()
    }

    /// Counts a level of nesting around `value`.
    ///
    /// # Errors
    /// Those of `value`; also when values nest deeper than [`Self::MAX_DEPTH`].
    #[inline]
    pub fn nested<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth >= Self::MAX_DEPTH {
            return Err(self.error(DecodeErrorKind::RecursionLimit));
        }
        self.depth = self.depth.wrapping_add(1);
        let result = value(self)?;
        self.depth = self.depth.wrapping_sub(1);
        Ok(result)
    }

    /// Reads `value` out of the bytes that a DHEADER delimits, and moves past them.
    ///
    /// # Errors
    /// Those of `value`; also when fewer bytes are left than the header states.
    pub fn read_delimited<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let length = self.read_length()?;
        self.limited(length, value)
    }

    /// Reads the members of an appendable structure; members that follow unknown to `members` are
    /// skipped in XCDR2.
    ///
    /// # Errors
    /// Those of `members`, or of the header.
    pub fn read_appendable<T>(
        &mut self,
        members: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.has_delimiters() { self.read_delimited(members) } else { members(self) }
    }

    /// Reads a member of an appendable structure, or gives its default where the writer's type
    /// ends before it: in XCDR2 by its length, in XCDR1 only the outermost type, by the end of the
    /// sample.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_or<T>(
        &mut self,
        default: impl FnOnce() -> T,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.has_ended() { Ok(default()) } else { read(self) }
    }

    /// Whether the appendable structure whose members are being read ends here.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ends_here(self.depth == 1)
    }

    /// As [`has_ended`](Self::has_ended), where the caller knows whether the structure is the outermost.
    pub(crate) fn ends_here(&self, outermost: bool) -> bool {
        let ends_somewhere = self.has_delimiters() || (outermost && !self.canonical);
        ends_somewhere && self.remaining().is_empty()
    }

    /// Reads a value with `@try_construct(USE_DEFAULT)`: where the bytes are a value, but none of its
    /// type, it is skipped and has its default.
    ///
    /// # Errors
    /// Those of `read` and `skip`, but that the value does not fit.
    pub fn read_or_else<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
        skip: impl FnOnce(&mut Self) -> Result<(), DecodeError>,
        default: impl FnOnce() -> T,
    ) -> Result<T, DecodeError> {
        let start = self.clone();
        match read(self) {
            Err(error) if error.kind.is_unfit() => {
                *self = start;
                skip(self)?;
                Ok(default())
            }
            other => other,
        }
    }

    /// Moves past what a DHEADER delimits.
    ///
    /// # Errors
    /// Fewer bytes are left than the header states.
    pub fn skip_delimited(&mut self) -> Result<(), DecodeError> {
        let length = self.read_length()?;
        self.read_bytes(length).map(drop)
    }

    /// Reads the members of a mutable structure: `member` is given each id and says whether it
    /// knows it. It may read less than the member has.
    ///
    /// # Errors
    /// Those of `member`; also when a member is unknown and must be understood, a header is
    /// malformed, or a member exceeds the structure.
    pub fn read_mutable(
        &mut self,
        type_name: &'static str,
        mut member: impl FnMut(&mut Self, u32) -> Result<Known, DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut members = |reader: &mut Self| {
            while let Some(found) = reader.read_member_header()? {
                let offset = reader.position;
                let known = reader.parameter(found.length, |reader| member(reader, found.header.id))?;
                if known == Known::No && found.header.must_understand {
                    let kind = DecodeErrorKind::UnknownMustUnderstand {
                        type_name: type_name.into(),
                        member_id: found.header.id,
                    };
                    return Err(DecodeError { kind, offset });
                }
            }
            Ok(())
        };
        match self.version() {
            XcdrVersion::Xcdr1 => members(self),
            XcdrVersion::Xcdr2 => self.read_delimited(members),
        }
    }

    /// Moves past a mutable structure.
    ///
    /// # Errors
    /// It is malformed.
    pub fn skip_mutable(&mut self) -> Result<(), DecodeError> {
        if self.version() == XcdrVersion::Xcdr2 {
            return self.skip_delimited();
        }
        while let Some(found) = self.read_member_header()? {
            self.read_bytes(found.length)?;
        }
        Ok(())
    }

    /// Reads an optional member of a final or appendable structure.
    ///
    /// # Errors
    /// Those of `read`; also when the header is malformed or that of another member.
    pub fn read_optional<T>(
        &mut self,
        id: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.version() == XcdrVersion::Xcdr2 {
            return if self.read_bool()? { read(self).map(Some) } else { Ok(None) };
        }
        let offset = self.position;
        match self.read_member_header()? {
            Some(found) if found.header.id == id => match found.length {
                0 => Ok(None),
                length => self.parameter(length, read).map(Some),
            },
            _ => Err(DecodeError { kind: DecodeErrorKind::MisplacedMember { expected: id }, offset }),
        }
    }

    /// Moves past an optional member of a final or appendable structure.
    ///
    /// # Errors
    /// It is malformed.
    pub fn skip_optional(
        &mut self,
        id: u32,
        skip: impl FnOnce(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.read_optional(id, skip).map(drop)
    }

    /// The next member header of a mutable structure, `None` at its end.
    pub(crate) fn read_member_header(&mut self) -> Result<Option<FoundMember>, DecodeError> {
        match self.version() {
            XcdrVersion::Xcdr1 => self.read_parameter_header(),
            XcdrVersion::Xcdr2 => self.read_extended_member_header(),
        }
    }

    fn read_parameter_header(&mut self) -> Result<Option<FoundMember>, DecodeError> {
        loop {
            self.align(4)?;
            let short = self.read_u16()?;
            let length = self.read_u16()?;
            let must_understand = short & PID_MUST_UNDERSTAND != 0;
            let foreign = short & PID_IMPLEMENTATION != 0;
            let found = match short & PID_MASK {
                PID_LIST_END => return Ok(None),
                PID_IGNORE => {
                    self.read_bytes(usize::from(length))?;
                    continue;
                }
                PID_EXTENDED if length != 8 => {
                    return Err(self.error(DecodeErrorKind::InvalidLength(u32::from(length))));
                }
                PID_EXTENDED => {
                    let id = self.read_u32()?;
                    let header = MemberHeader {
                        id: id & (MEMBER_ID_MASK | EXTENDED_IMPLEMENTATION),
                        must_understand: id & EXTENDED_MUST_UNDERSTAND != 0,
                    };
                    FoundMember { header, length: self.read_length()? }
                }
                id => {
                    let id = u32::from(id) | if foreign { EXTENDED_IMPLEMENTATION } else { 0 };
                    let header = MemberHeader { id, must_understand };
                    FoundMember { header, length: usize::from(length) }
                }
            };
            return Ok(Some(found));
        }
    }

    fn read_extended_member_header(&mut self) -> Result<Option<FoundMember>, DecodeError> {
        if self.remaining().is_empty() {
            return Ok(None);
        }
        let word = self.read_u32()?;
        let header =
            MemberHeader { id: word & MEMBER_ID_MASK, must_understand: word & EMHEADER_MUST_UNDERSTAND != 0 };
        let code = (word >> EMHEADER_LENGTH_CODE_SHIFT) & 7;
        let length = match code {
            0..=3 => 1 << code,
            4 => self.read_length()?,
            _ => {
                let unit = match code {
                    5 => 1_usize,
                    6 => 4,
                    _ => 8,
                };
                self.clone().read_length()?.saturating_mul(unit).saturating_add(4)
            }
        };
        Ok(Some(FoundMember { header, length }))
    }

    /// Reads out of the value of a member. In XCDR1 it aligns from its own start.
    pub(crate) fn parameter<T>(
        &mut self,
        length: usize,
        value: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.version() == XcdrVersion::Xcdr2 {
            return self.limited(length, value);
        }
        let origin = core::mem::replace(&mut self.origin, self.position);
        let result = self.limited(length, value)?;
        self.origin = origin;
        Ok(result)
    }

    /// Reads out of the next `length` bytes only, and moves past them.
    fn limited<T>(
        &mut self,
        length: usize,
        value: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let start = self.position;
        self.read_bytes(length)?;
        let end = core::mem::replace(&mut self.position, start);
        let bytes = self.bytes;
        self.bytes = bytes.get(..end).unwrap_or(bytes);
        let result = value(self)?;
        self.bytes = bytes;
        self.position = end;
        Ok(result)
    }
}

/// Whether a reader knows a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It does.
    Yes,
    /// It does not, and skips it if it may.
    No,
}
