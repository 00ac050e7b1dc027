//! Sequences, arrays, maps and boxes.

use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::dds_type::{Bounded, DdsType, LengthCode, MaximumSize, check_count};
use crate::type_description::{TypeDescription, TypeReference};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

fn write_length(length: usize, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
    writer.write_u32(u32::try_from(length).map_err(|_| EncodeErrorKind::LengthOverflow(length))?);
    Ok(())
}

/// Writes what `values` writes, after a DHEADER unless the elements are primitive (XTypes 1.3
/// §7.4.3.5.3, rules 9 to 14).
fn write_collection(
    primitive: bool,
    writer: &mut CdrWriter<'_>,
    values: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    if primitive {
        return values(writer);
    }
    let delimiter = writer.begin_collection();
    values(writer)?;
    writer.end_delimited(delimiter)
}

/// The counterpart of [`write_collection`].
fn read_collection<T>(
    primitive: bool,
    reader: &mut CdrReader<'_>,
    values: impl FnOnce(&mut CdrReader<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    if primitive || !reader.has_collection_headers() {
        return values(reader);
    }
    reader.read_delimited(values)
}

/// Moves past a collection: by its DHEADER where it has one.
fn skip_collection(
    primitive: bool,
    reader: &mut CdrReader<'_>,
    values: impl FnOnce(&mut CdrReader<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if primitive || !reader.has_collection_headers() {
        return values(reader);
    }
    reader.skip_delimited()
}

/// Copies the keys of `count` elements.
fn transcode_keys<T: DdsType>(
    reader: &mut CdrReader<'_>,
    writer: &mut CdrWriter<'_>,
    count: usize,
) -> Result<(), DecodeError> {
    check_count::<T>(reader, count)?;
    for _ in 0..count {
        T::transcode_key(&mut reader.clone(), writer)?;
        T::skip_dimension(reader)?;
    }
    Ok(())
}

/// Copies a collection's keys, with a DHEADER in the canonical form unless primitive.
fn transcode_collection(
    primitive: bool,
    reader: &mut CdrReader<'_>,
    writer: &mut CdrWriter<'_>,
    keys: impl FnOnce(&mut CdrReader<'_>, &mut CdrWriter<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if primitive {
        return keys(reader, writer);
    }
    let delimiter = writer.begin_collection();
    read_collection(false, reader, |reader| keys(reader, writer))?;
    writer.end_delimited(delimiter).map_err(|error| reader.error(DecodeErrorKind::NotEncodable(error.kind)))
}

impl<T: DdsType> DdsType for Vec<T> {
    type Key = Vec<T::Key>;
    const DESCRIPTION: &'static TypeDescription =
        &TypeDescription::Sequence { element: TypeReference::of::<T>(), bound: None };
    const LENGTH_CODE: LengthCode = match T::LENGTH_CODE {
        LengthCode::One if T::IS_PRIMITIVE => LengthCode::Own,
        LengthCode::Two if T::IS_PRIMITIVE => LengthCode::Separate,
        LengthCode::Four if T::IS_PRIMITIVE => LengthCode::OwnFours,
        LengthCode::Eight if T::IS_PRIMITIVE => LengthCode::OwnEights,
        _ => LengthCode::Own,
    };
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        write_collection(T::IS_PRIMITIVE, writer, |writer| {
            write_length(self.len(), writer)?;
            T::write_all(self, writer)
        })
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        read_collection(T::IS_PRIMITIVE, reader, |reader| {
            let length = reader.read_length()?;
            T::read_all(reader, length)
        })
    }

    fn read_over(&mut self, reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        read_collection(T::IS_PRIMITIVE, reader, |reader| {
            let length = reader.read_length()?;
            T::read_all_over(self, reader, length)
        })
    }

    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        skip_collection(T::IS_PRIMITIVE, reader, |reader| {
            let length = reader.read_length()?;
            T::skip_all(reader, length)
        })
    }

    fn initial() -> Self {
        Self::new()
    }

    fn write_key(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        if T::IS_PRIMITIVE {
            return self.write(writer);
        }
        write_collection(false, writer, |writer| {
            write_length(self.len(), writer)?;
            self.iter().try_for_each(|value| value.write_key(writer))
        })
    }

    fn transcode_key(reader: &mut CdrReader<'_>, writer: &mut CdrWriter<'_>) -> Result<(), DecodeError> {
        transcode_collection(T::IS_PRIMITIVE, reader, writer, |reader, writer| {
            let length = reader.read_u32()?;
            writer.write_u32(length);
            transcode_keys::<T>(reader, writer, usize::try_from(length).unwrap_or(usize::MAX))
        })
    }

    fn duplicate(&self) -> Self {
        self.iter().map(T::duplicate).collect()
    }

    fn to_key(&self) -> Self::Key {
        self.iter().map(T::to_key).collect()
    }

    fn add_size(size: &mut MaximumSize) {
        size.add_unbounded();
    }
}

impl<T: DdsType> Bounded for Vec<T> {
    fn trim(&mut self, bound: usize) {
        self.truncate(bound);
    }

    fn length(&self) -> usize {
        self.len()
    }

    fn read_length(reader: &mut CdrReader<'_>) -> Result<usize, DecodeError> {
        if !T::IS_PRIMITIVE && reader.has_collection_headers() {
            reader.read_u32()?;
        }
        reader.read_length()
    }

    fn add_size_bounded(size: &mut MaximumSize, bound: usize) {
        size.add(4, if T::IS_PRIMITIVE { 4 } else { 8 });
        size.add_all::<T>(bound);
    }
}

impl<T: DdsType, const N: usize> DdsType for [T; N] {
    type Key = [T::Key; N];
    const DESCRIPTION: &'static TypeDescription =
        &TypeDescription::Array { element: TypeReference::of::<T>(), length: N };
    const LENGTH_CODE: LengthCode = if T::IS_FLAT { LengthCode::Separate } else { LengthCode::Own };
    const MINIMUM_SIZE: usize = T::MINIMUM_SIZE.saturating_mul(N);
    const IS_ARRAY: bool = true;
    const IS_FLAT: bool = T::IS_FLAT;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        write_collection(T::IS_FLAT, writer, |writer| self.write_dimension(writer))
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        read_collection(T::IS_FLAT, reader, Self::read_dimension)
    }

    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        skip_collection(T::IS_FLAT, reader, Self::skip_dimension)
    }

    fn initial() -> Self {
        core::array::from_fn(|_| T::initial())
    }

    fn write_key(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        const { assert!(T::IS_FLAT || !T::IS_ARRAY, "only arrays of one dimension or of primitives can be keys") };
        if T::IS_FLAT {
            return self.write(writer);
        }
        write_collection(false, writer, |writer| self.iter().try_for_each(|value| value.write_key(writer)))
    }

    fn transcode_key(reader: &mut CdrReader<'_>, writer: &mut CdrWriter<'_>) -> Result<(), DecodeError> {
        transcode_collection(T::IS_FLAT, reader, writer, |reader, writer| {
            transcode_keys::<T>(reader, writer, N)
        })
    }

    fn duplicate(&self) -> Self {
        self.each_ref().map(T::duplicate)
    }

    fn to_key(&self) -> Self::Key {
        self.each_ref().map(T::to_key)
    }

    fn add_size(size: &mut MaximumSize) {
        if !T::IS_FLAT {
            size.add(4, 4);
        }
        size.add_all::<T>(N);
    }

    fn write_dimension(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        if T::IS_PRIMITIVE {
            return T::write_all(self, writer);
        }
        self.iter().try_for_each(|value| value.write_dimension(writer))
    }

    fn read_dimension(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        T::read_array(reader)
    }

    fn skip_dimension(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        if T::IS_PRIMITIVE {
            return T::skip_all(reader, N);
        }
        (0..N).try_for_each(|_| T::skip_dimension(reader))
    }
}

/// Carries the constants of a map's entries.
struct BTreeMapEntries<K, V>(core::marker::PhantomData<(K, V)>);

impl<K: DdsType + Ord, V: DdsType> BTreeMapEntries<K, V> {
    const PRIMITIVE: bool = K::IS_PRIMITIVE && V::IS_PRIMITIVE;
}

impl<K: DdsType + Ord, V: DdsType> DdsType for BTreeMap<K, V> {
    type Key = Self;
    const DESCRIPTION: &'static TypeDescription =
        &TypeDescription::Map { key: TypeReference::of::<K>(), value: TypeReference::of::<V>(), bound: None };
    const LENGTH_CODE: LengthCode =
        if BTreeMapEntries::<K, V>::PRIMITIVE { LengthCode::Separate } else { LengthCode::Own };
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        write_collection(BTreeMapEntries::<K, V>::PRIMITIVE, writer, |writer| {
            write_length(self.len(), writer)?;
            self.iter().try_for_each(|(key, value)| {
                key.write(writer)?;
                value.write(writer)
            })
        })
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        read_collection(BTreeMapEntries::<K, V>::PRIMITIVE, reader, |reader| {
            let length = reader.read_length()?;
            check_count::<K>(reader, length)?;
            let mut map = Self::new();
            for _ in 0..length {
                let error = reader.error(DecodeErrorKind::DuplicateMapKey);
                let key = K::read(reader)?;
                if map.insert(key, V::read(reader)?).is_some() {
                    return Err(error);
                }
            }
            Ok(map)
        })
    }

    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        skip_collection(BTreeMapEntries::<K, V>::PRIMITIVE, reader, |reader| {
            let length = reader.read_length()?;
            check_count::<K>(reader, length)?;
            (0..length).try_for_each(|_| {
                K::skip(reader)?;
                V::skip(reader)
            })
        })
    }

    fn initial() -> Self {
        Self::new()
    }

    fn duplicate(&self) -> Self {
        self.iter().map(|(key, value)| (key.duplicate(), value.duplicate())).collect()
    }

    fn to_key(&self) -> Self {
        self.duplicate()
    }

    fn add_size(size: &mut MaximumSize) {
        size.add_unbounded();
    }
}

impl<K: DdsType + Ord, V: DdsType> Bounded for BTreeMap<K, V> {
    fn trim(&mut self, bound: usize) {
        while self.len() > bound {
            self.pop_last();
        }
    }

    fn length(&self) -> usize {
        self.len()
    }

    fn read_length(reader: &mut CdrReader<'_>) -> Result<usize, DecodeError> {
        if !BTreeMapEntries::<K, V>::PRIMITIVE && reader.has_collection_headers() {
            reader.read_u32()?;
        }
        reader.read_length()
    }

    fn add_size_bounded(size: &mut MaximumSize, _bound: usize) {
        size.add_unbounded();
    }
}

impl<T: DdsType> DdsType for Box<T> {
    type Key = Box<T::Key>;
    const DESCRIPTION: &'static TypeDescription = T::DESCRIPTION;
    const IS_PRIMITIVE: bool = T::IS_PRIMITIVE;
    const LENGTH_CODE: LengthCode = T::LENGTH_CODE;
    const MINIMUM_SIZE: usize = T::MINIMUM_SIZE;
    const IS_ARRAY: bool = T::IS_ARRAY;
    const IS_FLAT: bool = T::IS_FLAT;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        (**self).write(writer)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        T::read(reader).map(Self::new)
    }

    fn read_over(&mut self, reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        (**self).read_over(reader)
    }

    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        T::skip(reader)
    }

    fn initial() -> Self {
        Self::new(T::initial())
    }

    fn write_key(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        (**self).write_key(writer)
    }

    fn transcode_key(reader: &mut CdrReader<'_>, writer: &mut CdrWriter<'_>) -> Result<(), DecodeError> {
        T::transcode_key(reader, writer)
    }

    fn duplicate(&self) -> Self {
        Self::new((**self).duplicate())
    }

    fn to_key(&self) -> Self::Key {
        Box::new((**self).to_key())
    }

    fn add_size(size: &mut MaximumSize) {
        T::add_size(size);
    }

    fn write_dimension(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        (**self).write_dimension(writer)
    }

    fn read_dimension(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        T::read_dimension(reader).map(Self::new)
    }

    fn skip_dimension(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        T::skip_dimension(reader)
    }
}

impl<T: Bounded> Bounded for Box<T> {
    fn trim(&mut self, bound: usize) {
        (**self).trim(bound);
    }

    fn length(&self) -> usize {
        (**self).length()
    }

    fn read_length(reader: &mut CdrReader<'_>) -> Result<usize, DecodeError> {
        T::read_length(reader)
    }

    fn add_size_bounded(size: &mut MaximumSize, bound: usize) {
        T::add_size_bounded(size, bound);
    }
}
