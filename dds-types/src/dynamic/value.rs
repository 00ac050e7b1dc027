//! Values of types that are known at run time.

use crate::type_description::PrimitiveKind;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Bytes of memory of a value, without what it points to.
pub(super) const VALUE_SIZE: usize = size_of::<Option<DynamicValue>>();

/// A value of any DDS type. What its integers mean as literals, flags, members and cases is said
/// by its type; [`DynamicData`](super::DynamicData) joins the two.
///
/// Values are equal when they are the same to the last bit: NaN equals itself, 0.0 differs from
/// -0.0.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the standard say it")]
pub enum DynamicValue {
    Boolean(bool),
    Int8(i8),
    UInt8(u8),
    Int16(i16),
    UInt16(u16),
    Int32(i32),
    UInt32(u32),
    Int64(i64),
    UInt64(u64),
    Float32(f32),
    Float64(f64),
    /// At most U+00FF.
    Char8(char),
    /// At most U+FFFF.
    Char16(char),
    /// A string of 8-bit or of 16-bit characters.
    String(String),
    /// The value of a literal.
    Enumeration(i32),
    /// The bits of the flags that are set.
    Bitmask(u64),
    /// A sequence, or an array with its innermost dimension varying fastest.
    Elements(Elements),
    Map(BTreeMap<MapKey, DynamicValue>),
    /// The members in the order of the type, `None` where an optional one is absent.
    Structure(Box<[Option<DynamicValue>]>),
    Union(Box<UnionValue>),
}

/// The value of a union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnionValue {
    /// The discriminator as a label: booleans and characters as their numbers.
    pub discriminator: i64,
    /// The member that it selects, `None` if the case has none.
    pub value: Option<DynamicValue>,
}

/// The elements of a sequence or array: primitives take no more memory than they need.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the standard say it")]
pub enum Elements {
    Boolean(Vec<bool>),
    Int8(Vec<i8>),
    UInt8(Vec<u8>),
    Int16(Vec<i16>),
    UInt16(Vec<u16>),
    Int32(Vec<i32>),
    UInt32(Vec<u32>),
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Char8(Vec<char>),
    Char16(Vec<char>),
    /// Everything that is not primitive.
    Values(Vec<DynamicValue>),
}

/// Calls `$body` with the vector of any variant.
macro_rules! with_elements {
    ($elements:expr, $values:ident => $body:expr) => {
        match $elements {
            Elements::Boolean($values) => $body,
            Elements::Int8($values) => $body,
            Elements::UInt8($values) => $body,
            Elements::Int16($values) => $body,
            Elements::UInt16($values) => $body,
            Elements::Int32($values) => $body,
            Elements::UInt32($values) => $body,
            Elements::Int64($values) => $body,
            Elements::UInt64($values) => $body,
            Elements::Float32($values) => $body,
            Elements::Float64($values) => $body,
            Elements::Char8($values) | Elements::Char16($values) => $body,
            Elements::Values($values) => $body,
        }
    };
}

impl Elements {
    /// Number of elements.
    pub fn len(&self) -> usize {
        with_elements!(self, values => values.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of an element.
    pub fn get(&self, index: usize) -> Option<DynamicValue> {
        Some(match self {
            Self::Boolean(values) => DynamicValue::Boolean(*values.get(index)?),
            Self::Int8(values) => DynamicValue::Int8(*values.get(index)?),
            Self::UInt8(values) => DynamicValue::UInt8(*values.get(index)?),
            Self::Int16(values) => DynamicValue::Int16(*values.get(index)?),
            Self::UInt16(values) => DynamicValue::UInt16(*values.get(index)?),
            Self::Int32(values) => DynamicValue::Int32(*values.get(index)?),
            Self::UInt32(values) => DynamicValue::UInt32(*values.get(index)?),
            Self::Int64(values) => DynamicValue::Int64(*values.get(index)?),
            Self::UInt64(values) => DynamicValue::UInt64(*values.get(index)?),
            Self::Float32(values) => DynamicValue::Float32(*values.get(index)?),
            Self::Float64(values) => DynamicValue::Float64(*values.get(index)?),
            Self::Char8(values) => DynamicValue::Char8(*values.get(index)?),
            Self::Char16(values) => DynamicValue::Char16(*values.get(index)?),
            Self::Values(values) => values.get(index)?.clone(),
        })
    }

    /// No elements, of a primitive kind or of other values.
    pub(super) fn empty(kind: Option<PrimitiveKind>) -> Self {
        Self::zeros(kind, 0)
    }

    /// `length` zeros of a primitive kind; without one, no elements.
    pub(super) fn zeros(kind: Option<PrimitiveKind>, length: usize) -> Self {
        use alloc::vec;
        match kind {
            None | Some(PrimitiveKind::Float128) => Self::Values(Vec::new()),
            Some(PrimitiveKind::Boolean) => Self::Boolean(vec![false; length]),
            Some(PrimitiveKind::Int8) => Self::Int8(vec![0; length]),
            Some(PrimitiveKind::Byte | PrimitiveKind::UInt8) => Self::UInt8(vec![0; length]),
            Some(PrimitiveKind::Int16) => Self::Int16(vec![0; length]),
            Some(PrimitiveKind::UInt16) => Self::UInt16(vec![0; length]),
            Some(PrimitiveKind::Int32) => Self::Int32(vec![0; length]),
            Some(PrimitiveKind::UInt32) => Self::UInt32(vec![0; length]),
            Some(PrimitiveKind::Int64) => Self::Int64(vec![0; length]),
            Some(PrimitiveKind::UInt64) => Self::UInt64(vec![0; length]),
            Some(PrimitiveKind::Float32) => Self::Float32(vec![0.0; length]),
            Some(PrimitiveKind::Float64) => Self::Float64(vec![0.0; length]),
            Some(PrimitiveKind::Char8) => Self::Char8(vec!['\0'; length]),
            Some(PrimitiveKind::Char16) => Self::Char16(vec!['\0'; length]),
        }
    }

    /// The primitive kind of the elements, `None` for other values.
    pub fn primitive_kind(&self) -> Option<PrimitiveKind> {
        Some(match self {
            Self::Boolean(_) => PrimitiveKind::Boolean,
            Self::Int8(_) => PrimitiveKind::Int8,
            Self::UInt8(_) => PrimitiveKind::UInt8,
            Self::Int16(_) => PrimitiveKind::Int16,
            Self::UInt16(_) => PrimitiveKind::UInt16,
            Self::Int32(_) => PrimitiveKind::Int32,
            Self::UInt32(_) => PrimitiveKind::UInt32,
            Self::Int64(_) => PrimitiveKind::Int64,
            Self::UInt64(_) => PrimitiveKind::UInt64,
            Self::Float32(_) => PrimitiveKind::Float32,
            Self::Float64(_) => PrimitiveKind::Float64,
            Self::Char8(_) => PrimitiveKind::Char8,
            Self::Char16(_) => PrimitiveKind::Char16,
            Self::Values(_) => return None,
        })
    }

    /// Appends an element, which must have the kind of the others; it is given back otherwise.
    pub(super) fn push(&mut self, value: DynamicValue) -> Result<(), DynamicValue> {
        use DynamicValue as Value;
        match (self, value) {
            (Self::Boolean(values), Value::Boolean(value)) => values.push(value),
            (Self::Int8(values), Value::Int8(value)) => values.push(value),
            (Self::UInt8(values), Value::UInt8(value)) => values.push(value),
            (Self::Int16(values), Value::Int16(value)) => values.push(value),
            (Self::UInt16(values), Value::UInt16(value)) => values.push(value),
            (Self::Int32(values), Value::Int32(value)) => values.push(value),
            (Self::UInt32(values), Value::UInt32(value)) => values.push(value),
            (Self::Int64(values), Value::Int64(value)) => values.push(value),
            (Self::UInt64(values), Value::UInt64(value)) => values.push(value),
            (Self::Float32(values), Value::Float32(value)) => values.push(value),
            (Self::Float64(values), Value::Float64(value)) => values.push(value),
            (Self::Char8(values), Value::Char8(value)) => values.push(value),
            (Self::Char16(values), Value::Char16(value)) => values.push(value),
            (Self::Values(values), value) => values.push(value),
            (_, value) => return Err(value),
        }
        Ok(())
    }

    /// Replaces an element that is there by one of the kind of the others.
    pub(super) fn replace(&mut self, index: usize, value: DynamicValue) -> Result<(), DynamicValue> {
        use DynamicValue as Value;
        fn put<T>(values: &mut [T], index: usize, value: T) {
            if let Some(place) = values.get_mut(index) {
                *place = value;
            }
        }
        match (self, value) {
            (Self::Boolean(values), Value::Boolean(value)) => put(values, index, value),
            (Self::Int8(values), Value::Int8(value)) => put(values, index, value),
            (Self::UInt8(values), Value::UInt8(value)) => put(values, index, value),
            (Self::Int16(values), Value::Int16(value)) => put(values, index, value),
            (Self::UInt16(values), Value::UInt16(value)) => put(values, index, value),
            (Self::Int32(values), Value::Int32(value)) => put(values, index, value),
            (Self::UInt32(values), Value::UInt32(value)) => put(values, index, value),
            (Self::Int64(values), Value::Int64(value)) => put(values, index, value),
            (Self::UInt64(values), Value::UInt64(value)) => put(values, index, value),
            (Self::Float32(values), Value::Float32(value)) => put(values, index, value),
            (Self::Float64(values), Value::Float64(value)) => put(values, index, value),
            (Self::Char8(values), Value::Char8(value)) => put(values, index, value),
            (Self::Char16(values), Value::Char16(value)) => put(values, index, value),
            (Self::Values(values), value) => put(values, index, value),
            (_, value) => return Err(value),
        }
        Ok(())
    }
}

/// A value as the key of a map: values in a total order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapKey(pub DynamicValue);

impl PartialOrd for MapKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MapKey {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

impl PartialEq for DynamicValue {
    fn eq(&self, other: &Self) -> bool {
        order(self, other) == Ordering::Equal
    }
}

impl Eq for DynamicValue {}

impl PartialEq for Elements {
    fn eq(&self, other: &Self) -> bool {
        order_elements(self, other) == Ordering::Equal
    }
}

impl Eq for Elements {}

/// A total order of values of one type; values of different kinds are in order of the kinds.
fn order(one: &DynamicValue, other: &DynamicValue) -> Ordering {
    use DynamicValue as Value;
    match (one, other) {
        (Value::Boolean(one), Value::Boolean(other)) => one.cmp(other),
        (Value::Int8(one), Value::Int8(other)) => one.cmp(other),
        (Value::UInt8(one), Value::UInt8(other)) => one.cmp(other),
        (Value::Int16(one), Value::Int16(other)) => one.cmp(other),
        (Value::UInt16(one), Value::UInt16(other)) => one.cmp(other),
        (Value::Int32(one), Value::Int32(other)) => one.cmp(other),
        (Value::UInt32(one), Value::UInt32(other)) => one.cmp(other),
        (Value::Int64(one), Value::Int64(other)) => one.cmp(other),
        (Value::UInt64(one), Value::UInt64(other)) => one.cmp(other),
        (Value::Float32(one), Value::Float32(other)) => one.total_cmp(other),
        (Value::Float64(one), Value::Float64(other)) => one.total_cmp(other),
        (Value::Char8(one), Value::Char8(other)) | (Value::Char16(one), Value::Char16(other)) => {
            one.cmp(other)
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Enumeration(one), Value::Enumeration(other)) => one.cmp(other),
        (Value::Bitmask(one), Value::Bitmask(other)) => one.cmp(other),
        (Value::Elements(one), Value::Elements(other)) => order_elements(one, other),
        (Value::Map(one), Value::Map(other)) => {
            let pairs = one.iter().zip(other);
            let pairs = pairs.map(|((one_key, one), (other_key, other))| {
                one_key.cmp(other_key).then_with(|| order(one, other))
            });
            first_difference(pairs).then(one.len().cmp(&other.len()))
        }
        (Value::Structure(one), Value::Structure(other)) => {
            let pairs =
                one.iter().zip(other).map(|(one, other)| order_optional(one.as_ref(), other.as_ref()));
            first_difference(pairs).then(one.len().cmp(&other.len()))
        }
        (Value::Union(one), Value::Union(other)) => {
            let labels = one.discriminator.cmp(&other.discriminator);
            labels.then_with(|| order_optional(one.value.as_ref(), other.value.as_ref()))
        }
        (one, other) => rank(one).cmp(&rank(other)),
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

fn order_optional(one: Option<&DynamicValue>, other: Option<&DynamicValue>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => order(one, other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

fn order_elements(one: &Elements, other: &Elements) -> Ordering {
    use Elements as E;
    match (one, other) {
        (E::Boolean(one), E::Boolean(other)) => one.cmp(other),
        (E::Int8(one), E::Int8(other)) => one.cmp(other),
        (E::UInt8(one), E::UInt8(other)) => one.cmp(other),
        (E::Int16(one), E::Int16(other)) => one.cmp(other),
        (E::UInt16(one), E::UInt16(other)) => one.cmp(other),
        (E::Int32(one), E::Int32(other)) => one.cmp(other),
        (E::UInt32(one), E::UInt32(other)) => one.cmp(other),
        (E::Int64(one), E::Int64(other)) => one.cmp(other),
        (E::UInt64(one), E::UInt64(other)) => one.cmp(other),
        (E::Char8(one), E::Char8(other)) | (E::Char16(one), E::Char16(other)) => one.cmp(other),
        (E::Float32(one), E::Float32(other)) => {
            let pairs = one.iter().zip(other).map(|(one, other)| one.total_cmp(other));
            first_difference(pairs).then(one.len().cmp(&other.len()))
        }
        (E::Float64(one), E::Float64(other)) => {
            let pairs = one.iter().zip(other).map(|(one, other)| one.total_cmp(other));
            first_difference(pairs).then(one.len().cmp(&other.len()))
        }
        (E::Values(one), E::Values(other)) => {
            let pairs = one.iter().zip(other).map(|(one, other)| order(one, other));
            first_difference(pairs).then(one.len().cmp(&other.len()))
        }
        (one, other) => {
            let rank = |elements: &Elements| elements.primitive_kind().map(|kind| kind as u8);
            rank(one).cmp(&rank(other))
        }
    }
}

fn rank(value: &DynamicValue) -> u8 {
    use DynamicValue as Value;
    match value {
        Value::Boolean(_) => 0,
        Value::Int8(_) => 1,
        Value::UInt8(_) => 2,
        Value::Int16(_) => 3,
        Value::UInt16(_) => 4,
        Value::Int32(_) => 5,
        Value::UInt32(_) => 6,
        Value::Int64(_) => 7,
        Value::UInt64(_) => 8,
        Value::Float32(_) => 9,
        Value::Float64(_) => 10,
        Value::Char8(_) => 11,
        Value::Char16(_) => 12,
        Value::String(_) => 13,
        Value::Enumeration(_) => 14,
        Value::Bitmask(_) => 15,
        Value::Elements(_) => 16,
        Value::Map(_) => 17,
        Value::Structure(_) => 18,
        Value::Union(_) => 19,
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident;)*) => {$(
        impl From<$type> for DynamicValue {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }

        impl From<Vec<$type>> for DynamicValue {
            fn from(values: Vec<$type>) -> Self {
                Self::Elements(Elements::$variant(values))
            }
        }
    )*};
}

from! {
    bool => Boolean;
    i8 => Int8;
    u8 => UInt8;
    i16 => Int16;
    u16 => UInt16;
    i32 => Int32;
    u32 => UInt32;
    i64 => Int64;
    u64 => UInt64;
    f32 => Float32;
    f64 => Float64;
}

impl From<String> for DynamicValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<&str> for DynamicValue {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<char> for DynamicValue {
    fn from(value: char) -> Self {
        Self::Char8(value)
    }
}

impl From<Vec<DynamicValue>> for DynamicValue {
    fn from(values: Vec<DynamicValue>) -> Self {
        Self::Elements(Elements::Values(values))
    }
}
