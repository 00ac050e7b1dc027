//! `#[derive(DdsType)]`: Rust types as DDS topic types.
//!
//! ```
//! use dds_derive::DdsType;
//! use dds_types::{DataRepresentationId, TopicType};
//!
//! #[derive(Debug, PartialEq, DdsType)]
//! #[dds(extensibility = "mutable")]
//! struct Measurement {
//!     #[dds(key, id = 1)]
//!     sensor: u32,
//!     #[dds(id = 2)]
//!     value: Reading,
//!     #[dds(id = 3, bounded(16))]
//!     unit: Option<String>,
//!     #[dds(non_serialized)]
//!     displayed: bool,
//! }
//!
//! #[derive(Debug, PartialEq, DdsType)]
//! #[dds(switch(u8), nested)]
//! enum Reading {
//!     #[dds(case = 1)]
//!     Number(f64),
//!     #[dds(case = 2, case = 3)]
//!     Samples(#[dds(bounded(100))] Vec<f32>),
//!     #[dds(default)]
//!     Missing,
//! }
//!
//! let sent = Measurement { sensor: 4, value: Reading::Number(0.5), unit: None, displayed: true };
//! let mut payload = Vec::new();
//! sent.serialize(DataRepresentationId::XCDR2, &mut payload)?;
//! let received = Measurement::deserialize(&payload)?;
//! assert_eq!(received, Measurement { displayed: false, ..sent });
//! assert_eq!(received.key(), MeasurementKey { sensor: 4 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The guide is in the documentation of dds-types, which also holds the traits this macro
//! implements; this page lists the attributes. Key members' types implement `Clone`, `Debug` and
//! `PartialEq`, as the derived `<Name>Key` does.
//!
//! # Containers
//! | attribute | on | meaning |
//! |---|---|---|
//! | `name = "a::B"` | all | DDS name; default the Rust name |
//! | `extensibility = "final"`, `"appendable"`, `"mutable"` | all but bitmasks | how the type may change; default final |
//! | `nested` | structures, unions | only for use inside of other types: no topic type |
//! | `autoid = "hash"` | structures | member ids from the hash of the names |
//! | `switch(T)` | enums with data | makes it a union with discriminator `T` |
//! | `bit_bound = "8"` | plain enums, bitmasks | bits on the wire: enums to 32 (the default), bitmasks to 64 (default 32) |
//! | `bitmask` | structures of `bool` | makes it a bitmask |
//!
//! # Members
//! | attribute | meaning |
//! |---|---|
//! | `name = "x"` | DDS name; default the Rust name. Also on variants |
//! | `key` | part of the key |
//! | `id = 7` | member id; default one more than the member before |
//! | `hashid`, `hashid = "name"` | member id from the hash of its name or of another |
//! | `optional` | may be absent; the type is `Option<T>`, which alone says the same |
//! | `default_value = expression` | value where the sample lacks the member, and of members that are `non_serialized`; default zero, empty or the first literal |
//! | `external` | noted in the type description; `Box<T>` says the same |
//! | `non_serialized` | not sent |
//! | `must_understand` | readers that do not know the member refuse the sample |
//! | `bounded(N)` | longest string, sequence or map, checked at both ends |
//! | `octet` | its `u8`, or that of its elements, is an `octet` to other implementations rather than a `uint8`; the bytes are the same |
//! | `try_construct = "discard"`, `"use_default"`, `"trim"` | what becomes of a value that does not fit: the sample is refused (the default), the member has its default value, a string or sequence is cut off at its bound |
//! | `position = 3` | bit of a bitmask's flag; default one more than the one before |
//!
//! # Cases of unions
//! | attribute | on | meaning |
//! |---|---|---|
//! | `case = 1` | variant, repeatable | discriminator that selects it |
//! | `default` | variant | selected by every other discriminator; on a plain enum, the literal absent values are read as |
//! | `discriminator` | field of a variant | keeps the discriminator, where several select the variant |

mod attributes;
mod bitmask;
mod enumeration;
mod model;
mod paths;
mod structure;
mod structure_key;
mod topic;
mod union;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, Fields, Result, parse_macro_input};

/// Makes a type a DDS type; a topic type too, unless it is an enum without data, a bitmask or
/// `#[dds(nested)]`. See the [crate] for the attributes.
#[proc_macro_derive(DdsType, attributes(dds))]
pub fn derive_dds_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<proc_macro2::TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "a DDS type has no generic parameters: derive it for a concrete type, because each has a DDS name \
             and a description of its own",
        ));
    }
    let container = attributes::Container::parse(&input.attrs)?;
    match &input.data {
        Data::Struct(data) if container.is_bitmask() => bitmask::expand(input, &container, data),
        Data::Struct(data) => structure::expand(input, &container, data),
        Data::Enum(data) => {
            let has_data = data.variants.iter().any(|variant| !matches!(variant.fields, Fields::Unit));
            if has_data || container.is_union() {
                union::expand(input, &container, data)
            } else {
                enumeration::expand(input, &container, data)
            }
        }
        Data::Union(data) => Err(Error::new_spanned(
            data.union_token,
            "use an enum whose variants hold the members, with #[dds(switch(T))]",
        )),
    }
}
