//! Enumerations: enums without data.

use crate::attributes::{Container, Extensibility, Variant};
use crate::paths;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataEnum, DeriveInput, Error, Result};

pub fn expand(input: &DeriveInput, container: &Container, data: &DataEnum) -> Result<TokenStream> {
    Container::refuse(container.nested, "enumerations are never topic types: remove nested")?;
    Container::refuse(container.bitmask, "a bitmask is a structure of `bool` fields")?;
    if let Some((Extensibility::Mutable, span)) = container.extensibility {
        return Err(Error::new(span, "an enumeration is \"final\" or \"appendable\""));
    }
    if data.variants.is_empty() {
        return Err(Error::new(input.ident.span(), "an enumeration has at least one literal"));
    }
    let types = paths::types();
    let ident = &input.ident;
    let name = container.name.clone().unwrap_or_else(|| ident.unraw().to_string());
    let extensibility = container.extensibility();
    let (bit_bound, span) = container.bit_bound.unwrap_or((32, ident.span()));
    let (holder, length_code) = match bit_bound {
        1..=8 => (quote!(i8), quote!(One)),
        9..=16 => (quote!(i16), quote!(Two)),
        17..=32 => (quote!(i32), quote!(Four)),
        _ => return Err(Error::new(span, "the bit_bound of an enumeration is 1 to 32")),
    };
    let (default, names) = default_literal(data)?;
    check_values(data, bit_bound)?;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let values: Vec<_> = (0..variants.len()).map(|index| format_ident!("VALUE_{index}")).collect();
    let constants = data.variants.iter().enumerate().map(|(index, variant)| {
        let value = &values[index];
        let expression = match (&variant.discriminant, index.checked_sub(1).map(|before| &values[before])) {
            (Some((_, expression)), _) => quote!(#expression),
            (None, Some(before)) => quote!(#before + 1),
            (None, None) => quote!(0),
        };
        quote!(const #value: #holder = #expression;)
    });
    let literals = data.variants.iter().enumerate().map(|(index, variant)| {
        let (value, is_default) = (&values[index], index == default);
        let name = names[index].clone().unwrap_or_else(|| variant.ident.unraw().to_string());
        quote! {
            __dds::type_description::LiteralDescription {
                name: #name,
                value: #value as i32,
                default: #is_default,
            }
        }
    });
    let initial = variants[default];
    Ok(quote! {
        const _: () = {
            use #types as __dds;
            #(#constants)*

            impl __dds::DdsType for #ident {
                type Key = Self;
                const DESCRIPTION: &'static __dds::TypeDescription =
                    &__dds::TypeDescription::Enumeration(__dds::type_description::EnumerationDescription {
                        name: #name,
                        extensibility: __dds::type_description::Extensibility::#extensibility,
                        bit_bound: #bit_bound,
                        literals: &[#(#literals),*],
                    });
                const LENGTH_CODE: __dds::LengthCode = __dds::LengthCode::#length_code;
                const MINIMUM_SIZE: usize = ::core::mem::size_of::<#holder>();

                fn write(
                    &self,
                    writer: &mut __dds::cdr::CdrWriter<'_>,
                ) -> ::core::result::Result<(), __dds::EncodeError> {
                    let value = match self { #(Self::#variants => #values),* };
                    <#holder as __dds::DdsType>::write(&value, writer)
                }

                fn read(
                    reader: &mut __dds::cdr::CdrReader<'_>,
                ) -> ::core::result::Result<Self, __dds::DecodeError> {
                    let value = <#holder as __dds::DdsType>::read(reader)?;
                    match value {
                        #(#values => ::core::result::Result::Ok(Self::#variants),)*
                        _ => ::core::result::Result::Err(reader.error_before(
                            __dds::DecodeErrorKind::InvalidEnum { type_name: __dds::TypeName::Borrowed(#name), value: i64::from(value) },
                            ::core::mem::size_of::<#holder>(),
                        )),
                    }
                }

                fn skip(
                    reader: &mut __dds::cdr::CdrReader<'_>,
                ) -> ::core::result::Result<(), __dds::DecodeError> {
                    <#holder as __dds::DdsType>::skip(reader)
                }

                fn initial() -> Self {
                    Self::#initial
                }

                fn duplicate(&self) -> Self {
                    match self { #(Self::#variants => Self::#variants),* }
                }

                fn to_key(&self) -> Self {
                    __dds::DdsType::duplicate(self)
                }

                fn add_size(size: &mut __dds::MaximumSize) {
                    <#holder as __dds::DdsType>::add_size(size);
                }
            }

            impl __dds::Discriminator for #ident {
                fn label(&self) -> i64 {
                    match self { #(Self::#variants => i64::from(#values)),* }
                }

                fn from_label(label: i64) -> ::core::option::Option<Self> {
                    match #holder::try_from(label) {
                        #(::core::result::Result::Ok(#values) => ::core::option::Option::Some(Self::#variants),)*
                        _ => ::core::option::Option::None,
                    }
                }
            }
        };
    })
}

/// Refuses values that are written as numbers and too large; others are left to the compiler.
fn check_values(data: &DataEnum, bit_bound: u16) -> Result<()> {
    let bits = bit_bound.next_multiple_of(8).next_power_of_two();
    let limit = 1_i64 << (bits - 1);
    for (_, expression) in data.variants.iter().filter_map(|variant| variant.discriminant.as_ref()) {
        let text = quote!(#expression).to_string().replace(' ', "");
        let fits = text.parse::<i64>().map_or(true, |value| (-limit..limit).contains(&value));
        if !fits {
            let message = format!("{text} does not fit {bits} bits: raise the bit_bound of the enumeration");
            return Err(Error::new(expression.span(), message));
        }
    }
    Ok(())
}

/// Index of the literal absent values are read as, marked `#[dds(default)]` or `#[default]`, else
/// the first; and the names that literals are given.
fn default_literal(data: &DataEnum) -> Result<(usize, Vec<Option<String>>)> {
    let mut default = None;
    let mut names = Vec::new();
    for (index, variant) in data.variants.iter().enumerate() {
        let attributes = Variant::parse(&variant.attrs)?;
        names.push(attributes.name);
        if let Some(case) = attributes.cases.first() {
            return Err(Error::new(
                case.span(),
                "a case belongs to a union: add #[dds(switch(T))] to the enum",
            ));
        }
        let marked = variant.attrs.iter().any(|attribute| attribute.path().is_ident("default"));
        match (attributes.default, default) {
            (Some(span), Some(_)) => return Err(Error::new(span, "another literal is the default already")),
            (Some(_), None) => default = Some(index),
            (None, None) if marked => default = Some(index),
            (None, _) => {}
        }
    }
    Ok((default.unwrap_or_default(), names))
}
