//! Unions: enums with data and `#[dds(switch(T))]`.

use crate::attributes::{Container, Extensibility, Field, TryConstruct, Variant};
use crate::model::{argument_of, check_trim};
use crate::structure::read_constructed;
use crate::{paths, topic};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataEnum, DeriveInput, Error, Expr, ExprLit, Index, Lit, Member as Access, Result, Type};

/// A case of the union.
struct Case {
    ident: Ident,
    name: String,
    /// Constants of its labels.
    labels: Vec<Ident>,
    expressions: Vec<Expr>,
    default: bool,
    id: u32,
    /// The member, if the case has one.
    value: Option<Value>,
    /// The field that keeps the discriminator.
    stored: Option<Access>,
}

struct Value {
    access: Access,
    wire_type: Type,
    bound: Option<u32>,
    external: bool,
    octet: bool,
    try_construct: TryConstruct,
}

pub fn expand(input: &DeriveInput, container: &Container, data: &DataEnum) -> Result<TokenStream> {
    let ident = &input.ident;
    let Some(discriminator) = &container.switch else {
        let message = "an enum with data is a union: add #[dds(switch(T))] with the type of its discriminator, \
                       and #[dds(case = N)] to each variant";
        return Err(Error::new(ident.span(), message));
    };
    Container::refuse(
        container.bit_bound.map(|(_, span)| span),
        "a union's size is that of its discriminator",
    )?;
    if let Some((Extensibility::Mutable, span)) = container.extensibility {
        return Err(Error::new(span, "mutable unions are not supported: use \"appendable\""));
    }
    let cases = cases(data)?;
    let types = paths::types();
    let name = container.name.clone().unwrap_or_else(|| ident.unraw().to_string());
    let constants = constants(&cases, discriminator);
    let implementation = implementation(ident, &name, container, discriminator, &cases);
    let topic = container.nested.is_none().then(|| topic::implementation(ident, &name, None));
    Ok(quote! {
        const _: () = {
            use #types as __dds;
            #constants
            #implementation
            #topic
        };
    })
}

fn cases(data: &DataEnum) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (index, variant) in data.variants.iter().enumerate() {
        let attributes = Variant::parse(&variant.attrs)?;
        let default = attributes.default.is_some();
        if attributes.cases.is_empty() && !default {
            let message = "which discriminator selects this variant? add #[dds(case = N)] or #[dds(default)]";
            return Err(Error::new(variant.ident.span(), message));
        }
        if let (Some(span), true) = (attributes.default, cases.iter().any(|case| case.default)) {
            return Err(Error::new(span, "another variant is the default already"));
        }
        for case in &attributes.cases {
            let text = case.to_token_stream().to_string();
            if seen.contains(&text) {
                return Err(Error::new(case.span(), format!("{text} selects another variant already")));
            }
            seen.push(text);
        }
        let mut case = Case {
            ident: variant.ident.clone(),
            name: attributes.name.unwrap_or_else(|| variant.ident.unraw().to_string()),
            labels: (0..attributes.cases.len()).map(|label| format_ident!("LABEL_{index}_{label}")).collect(),
            expressions: attributes.cases,
            default,
            id: u32::try_from(index).unwrap_or(u32::MAX),
            value: None,
            stored: None,
        };
        for (index, field) in variant.fields.iter().enumerate() {
            case.add(index, field)?;
        }
        cases.push(case);
    }
    if cases.is_empty() {
        return Err(Error::new(data.enum_token.span(), "a union has at least one case"));
    }
    Ok(cases)
}

impl Case {
    fn add(&mut self, index: usize, field: &syn::Field) -> Result<()> {
        let access = match &field.ident {
            Some(ident) => Access::Named(ident.clone()),
            None => Access::Unnamed(Index::from(index)),
        };
        let attributes = Field::parse(&field.attrs)?;
        if attributes.discriminator.is_some() {
            self.stored = Some(access);
            return Ok(());
        }
        if self.value.is_some() {
            let message = "a case of a union has one member: put these into a structure, or mark one \
                           #[dds(discriminator)]";
            return Err(Error::new(field.span(), message));
        }
        if argument_of(&field.ty, "Option").is_some() {
            return Err(Error::new(
                field.ty.span(),
                "a member of a union cannot be optional: add an empty case",
            ));
        }
        Container::refuse(attributes.key, "a member of a union cannot be a key")?;
        if let Some((id, _)) = attributes.id {
            self.id = id;
        }
        check_trim(attributes.try_construct, attributes.bounded.is_some())?;
        let bound = attributes.bounded.map(|bound| bound.base10_parse()).transpose()?;
        self.value = Some(Value {
            access,
            wire_type: field.ty.clone(),
            bound,
            external: attributes.external || argument_of(&field.ty, "Box").is_some(),
            octet: attributes.octet,
            try_construct: attributes.try_construct.map(|(behaviour, _)| behaviour).unwrap_or_default(),
        });
        Ok(())
    }

    /// A pattern that binds `value` and `stored`.
    fn pattern(&self) -> TokenStream {
        let ident = &self.ident;
        let value = self.value.as_ref().map(|Value { access, .. }| quote!(#access: value,));
        let stored = self.stored.as_ref().map(|access| quote!(#access: stored,));
        quote!(Self::#ident { #value #stored })
    }

    fn construct(&self, value: &TokenStream, stored: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        let value = self.value.as_ref().map(|Value { access, .. }| quote!(#access: #value,));
        let stored = self.stored.as_ref().map(|access| quote!(#access: #stored,));
        quote!(Self::#ident { #value #stored })
    }

    /// The label that is written where none is kept.
    fn label(&self) -> TokenStream {
        match self.labels.first() {
            Some(label) => quote!(#label),
            None => quote!(__dds::unused_label(DISCRIMINATOR, LABELS)),
        }
    }
}

/// Constants for the labels, because patterns take no expressions.
fn constants(cases: &[Case], discriminator: &Type) -> TokenStream {
    let labels =
        cases.iter().flat_map(|case| case.labels.iter().zip(&case.expressions)).map(|(label, expression)| {
            match expression {
                Expr::Lit(ExprLit { lit: Lit::Char(_), .. }) => {
                    quote!(const #label: i64 = #expression as u32 as i64;)
                }
                _ => quote!(const #label: i64 = #expression as i64;),
            }
        });
    let names = cases.iter().flat_map(|case| &case.labels);
    quote! {
        const DISCRIMINATOR: &'static __dds::TypeDescription = <#discriminator as __dds::DdsType>::DESCRIPTION;
        #(#labels)*
        const LABELS: &'static [i64] = &[#(#names),*];
    }
}

fn implementation(
    ident: &Ident,
    name: &str,
    container: &Container,
    discriminator: &Type,
    cases: &[Case],
) -> TokenStream {
    let description = description(name, container, discriminator, cases);
    let appendable = container.extensibility() == Extensibility::Appendable;
    let minimum = if appendable {
        quote!({
            let discriminator = <#discriminator as __dds::DdsType>::MINIMUM_SIZE;
            if discriminator < 4 { discriminator } else { 4 }
        })
    } else {
        quote!(<#discriminator as __dds::DdsType>::MINIMUM_SIZE)
    };
    let (begin, end) = match appendable {
        true => (quote!(let delimiter = writer.begin_appendable();), quote!(writer.end_delimited(delimiter))),
        false => (quote!(), quote!(::core::result::Result::Ok(()))),
    };
    let write = cases.iter().map(|case| write_case(case, discriminator));
    let read = read(name, discriminator, cases);
    let read = if appendable { quote!(reader.read_appendable(|reader| { #read })) } else { read };
    let skip = skip(name, discriminator, cases, appendable);
    let first = &cases[0];
    let first_value = first.value.as_ref().map(|Value { wire_type, .. }| wire_type);
    let first_label = first.label();
    let initial = first.construct(
        &quote!(<#first_value as __dds::DdsType>::initial()),
        &quote!(
            <#discriminator as __dds::Discriminator>::from_label(#first_label)
                .unwrap_or_else(<#discriminator as __dds::DdsType>::initial)
        ),
    );
    let duplicates = cases.iter().map(|case| {
        let copy = case
            .construct(&quote!(__dds::DdsType::duplicate(value)), &quote!(__dds::DdsType::duplicate(stored)));
        let pattern = case.pattern();
        quote!(#pattern => #copy)
    });
    let sizes =
        cases.iter().filter_map(|case| case.value.as_ref()).map(|Value { wire_type, bound, .. }| {
            let add = match bound {
                Some(bound) => {
                    quote!(<#wire_type as __dds::Bounded>::add_size_bounded(size, #bound as usize))
                }
                None => quote!(<#wire_type as __dds::DdsType>::add_size(size)),
            };
            quote!(size.add_alternative(discriminator, |size| #add);)
        });
    quote! {
        impl __dds::DdsType for #ident {
            type Key = Self;
            const DESCRIPTION: &'static __dds::TypeDescription = #description;
            const MINIMUM_SIZE: usize = #minimum;

            fn write(
                &self,
                writer: &mut __dds::cdr::CdrWriter<'_>,
            ) -> ::core::result::Result<(), __dds::EncodeError> {
                #begin
                match self { #(#write)* }
                #end
            }

            fn read(
                reader: &mut __dds::cdr::CdrReader<'_>,
            ) -> ::core::result::Result<Self, __dds::DecodeError> {
                reader.nested(|reader| { #read })
            }

            fn skip(
                reader: &mut __dds::cdr::CdrReader<'_>,
            ) -> ::core::result::Result<(), __dds::DecodeError> {
                #skip
            }

            fn initial() -> Self {
                #initial
            }

            fn duplicate(&self) -> Self {
                match self { #(#duplicates),* }
            }

            fn to_key(&self) -> Self {
                __dds::DdsType::duplicate(self)
            }

            fn add_size(size: &mut __dds::MaximumSize) {
                size.nested(|size| {
                    <#discriminator as __dds::DdsType>::add_size(size);
                    let discriminator = *size;
                    #(#sizes)*
                    let _ = discriminator;
                });
            }
        }
    }
}

fn description(name: &str, container: &Container, discriminator: &Type, cases: &[Case]) -> TokenStream {
    let extensibility = container.extensibility();
    let nested = container.nested.is_some();
    let cases = cases.iter().map(|case| {
        let Case { name, labels, default, id, value, .. } = case;
        let member_type = match value {
            Some(Value { wire_type, .. }) => quote! {
                ::core::option::Option::Some(__dds::type_description::TypeReference::of::<#wire_type>())
            },
            None => quote!(::core::option::Option::None),
        };
        let bound = match value.as_ref().and_then(|value| value.bound) {
            Some(bound) => quote!(::core::option::Option::Some(#bound)),
            None => quote!(::core::option::Option::None),
        };
        let external = value.as_ref().is_some_and(|value| value.external);
        let octet = value.as_ref().is_some_and(|value| value.octet);
        let try_construct = value.as_ref().map(|value| value.try_construct).unwrap_or_default();
        quote! {
            __dds::type_description::CaseDescription {
                name: #name,
                id: #id,
                labels: &[#(#labels),*],
                default: #default,
                member_type: #member_type,
                bound: #bound,
                external: #external,
                octet: #octet,
                try_construct: #try_construct,
            }
        }
    });
    quote! {
        &__dds::TypeDescription::Union(__dds::type_description::UnionDescription {
            name: #name,
            extensibility: __dds::type_description::Extensibility::#extensibility,
            nested: #nested,
            discriminator: __dds::type_description::TypeReference::of::<#discriminator>(),
            cases: &[#(#cases),*],
        })
    }
}

fn write_case(case: &Case, discriminator: &Type) -> TokenStream {
    let pattern = case.pattern();
    let write_discriminator = match &case.stored {
        Some(_) => {
            let labels = &case.labels;
            let fits = match case.default {
                true => quote!(!LABELS.contains(&label) #(|| label == #labels)*),
                false => quote!([#(#labels),*].contains(&label)),
            };
            quote! {
                let label = <#discriminator as __dds::Discriminator>::label(stored);
                if !(#fits) {
                    return ::core::result::Result::Err(__dds::EncodeErrorKind::InvalidDiscriminator(label).into());
                }
                <#discriminator as __dds::DdsType>::write(stored, writer)?;
            }
        }
        None => {
            let label = case.label();
            quote! {
                let label = #label;
                match <#discriminator as __dds::Discriminator>::from_label(label) {
                    ::core::option::Option::Some(label) => __dds::DdsType::write(&label, writer)?,
                    ::core::option::Option::None => return ::core::result::Result::Err(
                        __dds::EncodeErrorKind::InvalidDiscriminator(label).into()
                    ),
                }
            }
        }
    };
    let write_value = case.value.as_ref().map(|Value { wire_type, bound, .. }| {
        let check =
            bound.map(|bound| quote!(<#wire_type as __dds::Bounded>::check_bound(value, #bound as usize)?;));
        quote!(#check <#wire_type as __dds::DdsType>::write(value, writer)?;)
    });
    quote!(#pattern => { #write_discriminator #write_value })
}

/// Matches on the label, with `arm` for each case.
fn select(
    name: &str,
    discriminator: &Type,
    cases: &[Case],
    arm: impl Fn(&Case) -> TokenStream,
) -> TokenStream {
    let (defaults, labelled): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.default);
    let arms = labelled.into_iter().map(|case| {
        let (labels, arm) = (&case.labels, arm(case));
        quote!(#(#labels)|* => #arm,)
    });
    let default = match defaults.first() {
        Some(case) => arm(case),
        None => quote! {
            ::core::result::Result::Err(reader.error_before(
                __dds::DecodeErrorKind::InvalidDiscriminator { type_name: __dds::TypeName::Borrowed(#name), value: label },
                <#discriminator as __dds::DdsType>::MINIMUM_SIZE,
            ))
        },
    };
    quote! {
        let stored = <#discriminator as __dds::DdsType>::read(reader)?;
        let label = <#discriminator as __dds::Discriminator>::label(&stored);
        match label { #(#arms)* _ => #default }
    }
}

fn read(name: &str, discriminator: &Type, cases: &[Case]) -> TokenStream {
    select(name, discriminator, cases, |case| {
        let value = case.value.as_ref().map(|Value { wire_type, bound, try_construct, .. }| {
            let default = quote!(<#wire_type as __dds::DdsType>::initial());
            let read =
                read_constructed(&quote!(#wire_type), *bound, *try_construct, &TokenStream::new(), &default);
            quote!(#read?)
        });
        let construct = case.construct(&quote!(#value), &quote!(stored));
        quote!(::core::result::Result::Ok(#construct))
    })
}

fn skip(name: &str, discriminator: &Type, cases: &[Case], appendable: bool) -> TokenStream {
    let select = select(name, discriminator, cases, |case| match &case.value {
        Some(Value { wire_type, .. }) => quote!(<#wire_type as __dds::DdsType>::skip(reader)),
        None => quote!(::core::result::Result::Ok(())),
    });
    let skip = quote!(reader.nested(|reader| { #select }));
    match appendable {
        true => quote!(if reader.has_delimiters() { reader.skip_delimited() } else { #skip }),
        false => skip,
    }
}
