//! Bounds on what foreign bytes can make a type's `Deserialize` do.
//!
//! bincode limits bytes only. Between it and the type stands a deserializer that forwards everything
//! and besides
//! - counts how deep values nest, so that no stack overflows;
//! - counts values, since those without bytes, like `()`, could be claimed without end;
//! - hands out no more than the payload's length in promises of lengths, all together, since each may
//!   be allocated for;
//! - asks for borrowed strings and bytes, which are allocated when they have been found to be there.

use std::{cell::Cell, fmt, marker::PhantomData};

use bincode::{config::Config, error::DecodeError};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::DEEPEST_VALUE;

/// Values that need no bytes to back them.
const FREE_VALUES: usize = 65_536;
/// Values per byte: a structure in a structure is more than one.
const VALUES_PER_BYTE: usize = 16;

/// Decodes a value, and says how many bytes it took.
pub(super) fn decode<T: DeserializeOwned, C: Config>(
    bytes: &[u8],
    configuration: C,
) -> Result<(T, usize), DecodeError> {
    let budget = Budget {
        depth: Cell::new(0),
        values: Cell::new(bytes.len().saturating_mul(VALUES_PER_BYTE).saturating_add(FREE_VALUES)),
        promises: Cell::new(bytes.len()),
    };
    let seed = Guarded { inner: PhantomData::<T>, budget: &budget };
    bincode::serde::seed_decode_from_slice(seed, bytes, configuration)
}

struct Budget {
    depth: Cell<usize>,
    values: Cell<usize>,
    promises: Cell<usize>,
}

impl Budget {
    fn value<R, E: Error>(&self, read: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        let depth = self.depth.get() + 1;
        if depth > DEEPEST_VALUE {
            return Err(E::custom(format_args!("it nests deeper than {DEEPEST_VALUE}")));
        }
        let left = self.values.get().checked_sub(1);
        self.values.set(left.ok_or_else(|| E::custom("it has more values than its bytes can mean"))?);
        self.depth.set(depth);
        let result = read();
        self.depth.set(depth - 1);
        result
    }

    fn promise(&self, hint: usize) -> usize {
        let granted = hint.min(self.promises.get());
        self.promises.set(self.promises.get() - granted);
        granted
    }
}

/// Anything of serde's, forwarding to `inner` within the budget.
struct Guarded<'b, I> {
    inner: I,
    budget: &'b Budget,
}

impl<'b, I> Guarded<'b, I> {
    fn wrap<O>(&self, inner: O) -> Guarded<'b, O> {
        Guarded { inner, budget: self.budget }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guarded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let Self { inner, budget } = self;
        budget.value(|| inner.deserialize(Guarded { inner: deserializer, budget }))
    }
}

/// `method(arguments) → method`: forwards, with the visitor guarded.
macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*) => $to:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.wrap(visitor);
            self.inner.$to($($argument,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any() => deserialize_any;
        deserialize_bool() => deserialize_bool;
        deserialize_i8() => deserialize_i8;
        deserialize_i16() => deserialize_i16;
        deserialize_i32() => deserialize_i32;
        deserialize_i64() => deserialize_i64;
        deserialize_i128() => deserialize_i128;
        deserialize_u8() => deserialize_u8;
        deserialize_u16() => deserialize_u16;
        deserialize_u32() => deserialize_u32;
        deserialize_u64() => deserialize_u64;
        deserialize_u128() => deserialize_u128;
        deserialize_f32() => deserialize_f32;
        deserialize_f64() => deserialize_f64;
        deserialize_char() => deserialize_char;
        deserialize_str() => deserialize_str;
        deserialize_string() => deserialize_str;
        deserialize_bytes() => deserialize_bytes;
        deserialize_byte_buf() => deserialize_bytes;
        deserialize_option() => deserialize_option;
        deserialize_unit() => deserialize_unit;
        deserialize_unit_struct(name: &'static str) => deserialize_unit_struct;
        deserialize_newtype_struct(name: &'static str) => deserialize_newtype_struct;
        deserialize_seq() => deserialize_seq;
        deserialize_tuple(len: usize) => deserialize_tuple;
        deserialize_tuple_struct(name: &'static str, len: usize) => deserialize_tuple_struct;
        deserialize_map() => deserialize_map;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) => deserialize_struct;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) => deserialize_enum;
        deserialize_identifier() => deserialize_identifier;
        deserialize_ignored_any() => deserialize_ignored_any;
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! forward_visits {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guarded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    forward_visits! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_i128(i128);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_u128(u128);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let Self { inner, budget } = self;
        budget.value(|| inner.visit_some(Guarded { inner: deserializer, budget }))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let Self { inner, budget } = self;
        budget.value(|| inner.visit_newtype_struct(Guarded { inner: deserializer, budget }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.wrap(access);
        self.inner.visit_seq(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.wrap(access);
        self.inner.visit_map(access)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.wrap(access);
        self.inner.visit_enum(access)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.wrap(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint().map(|hint| self.budget.promise(hint))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.wrap(seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint().map(|hint| self.budget.promise(hint))
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Guarded<'b, A> {
    type Error = A::Error;
    type Variant = Guarded<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let budget = self.budget;
        let seed = self.wrap(seed);
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, Guarded { inner: variant, budget }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.wrap(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.wrap(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}
