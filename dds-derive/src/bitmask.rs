//! Bitmasks: structures of booleans.

use crate::attributes::{Container, Field};
use crate::paths;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataStruct, DeriveInput, Error, Fields, Result, Type};

pub fn expand(input: &DeriveInput, container: &Container, data: &DataStruct) -> Result<TokenStream> {
    Container::refuse(container.nested, "bitmasks are never topic types: remove nested")?;
    Container::refuse(container.extensibility.map(|(_, span)| span), "a bitmask has no extensibility")?;
    let types = paths::types();
    let ident = &input.ident;
    let name = container.name.clone().unwrap_or_else(|| ident.unraw().to_string());
    let (bit_bound, span) = container.bit_bound.unwrap_or((32, ident.span()));
    let (holder, length_code) = match bit_bound {
        1..=8 => (quote!(u8), quote!(One)),
        9..=16 => (quote!(u16), quote!(Two)),
        17..=32 => (quote!(u32), quote!(Four)),
        33..=64 => (quote!(u64), quote!(Eight)),
        _ => return Err(Error::new(span, "the bit_bound of a bitmask is 1 to 64")),
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(ident.span(), "a bitmask has named fields of type bool, one for each flag"));
    };
    let positions = positions(fields, bit_bound)?;
    let flags: Vec<_> = fields.named.iter().filter_map(|field| field.ident.as_ref()).collect();
    let descriptions = fields.named.iter().zip(&flags).zip(&positions).map(|((field, flag), position)| {
        // Parsed before, for the positions.
        let name = Field::parse(&field.attrs).ok().and_then(|attributes| attributes.name);
        let name = name.unwrap_or_else(|| flag.unraw().to_string());
        quote!(__dds::type_description::FlagDescription { name: #name, position: #position })
    });
    Ok(quote! {
        const _: () = {
            use #types as __dds;
            const KNOWN: #holder = 0 #(| (1 << #positions))*;

            impl __dds::DdsType for #ident {
                type Key = Self;
                const DESCRIPTION: &'static __dds::TypeDescription =
                    &__dds::TypeDescription::Bitmask(__dds::type_description::BitmaskDescription {
                        name: #name,
                        bit_bound: #bit_bound,
                        flags: &[#(#descriptions),*],
                    });
                const LENGTH_CODE: __dds::LengthCode = __dds::LengthCode::#length_code;
                const MINIMUM_SIZE: usize = ::core::mem::size_of::<#holder>();

                fn write(
                    &self,
                    writer: &mut __dds::cdr::CdrWriter<'_>,
                ) -> ::core::result::Result<(), __dds::EncodeError> {
                    let value: #holder = 0 #(| (#holder::from(self.#flags) << #positions))*;
                    <#holder as __dds::DdsType>::write(&value, writer)
                }

                fn read(
                    reader: &mut __dds::cdr::CdrReader<'_>,
                ) -> ::core::result::Result<Self, __dds::DecodeError> {
                    let value = <#holder as __dds::DdsType>::read(reader)?;
                    if value & !KNOWN != 0 {
                        return ::core::result::Result::Err(reader.error_before(
                            __dds::DecodeErrorKind::InvalidBitmask { type_name: __dds::TypeName::Borrowed(#name), value: u64::from(value) },
                            ::core::mem::size_of::<#holder>(),
                        ));
                    }
                    ::core::result::Result::Ok(Self { #(#flags: value & (1 << #positions) != 0),* })
                }

                fn skip(
                    reader: &mut __dds::cdr::CdrReader<'_>,
                ) -> ::core::result::Result<(), __dds::DecodeError> {
                    <#holder as __dds::DdsType>::skip(reader)
                }

                fn initial() -> Self {
                    Self { #(#flags: false),* }
                }

                fn duplicate(&self) -> Self {
                    Self { #(#flags: self.#flags),* }
                }

                fn to_key(&self) -> Self {
                    __dds::DdsType::duplicate(self)
                }

                fn add_size(size: &mut __dds::MaximumSize) {
                    <#holder as __dds::DdsType>::add_size(size);
                }
            }
        };
    })
}

/// The bit of each flag.
fn positions(fields: &syn::FieldsNamed, bit_bound: u16) -> Result<Vec<u16>> {
    let mut positions: Vec<u16> = Vec::new();
    for field in &fields.named {
        if !matches!(&field.ty, Type::Path(path) if path.path.is_ident("bool")) {
            return Err(Error::new(field.ty.span(), "a flag of a bitmask has the type bool"));
        }
        let next = positions.last().map_or(0, |last| last.saturating_add(1));
        let (position, span) = Field::parse(&field.attrs)?.position.unwrap_or((next, field.span()));
        if position >= bit_bound {
            let message =
                format!("bit {position} is outside of the bit_bound of {bit_bound}: raise bit_bound");
            return Err(Error::new(span, message));
        }
        if positions.contains(&position) {
            return Err(Error::new(
                span,
                format!("bit {position} has a flag already: give another position"),
            ));
        }
        positions.push(position);
    }
    Ok(positions)
}
