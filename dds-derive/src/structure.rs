//! The implementation of `DdsType` for structures and their keys.

use crate::attributes::{Container, Extensibility, TryConstruct};
use crate::model::{Member, Structure};
use crate::structure_key::{key_type, transcode_key};
use crate::{paths, topic};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataStruct, DeriveInput, Result};

pub fn expand(input: &DeriveInput, container: &Container, data: &DataStruct) -> Result<TokenStream> {
    Container::refuse(container.bit_bound.map(|(_, span)| span), "bit_bound is for enums and bitmasks")?;
    Container::refuse(
        container.switch.as_ref().map(syn::spanned::Spanned::span),
        "switch makes a union of an enum; a structure has none",
    )?;
    let structure = Structure::parse(input, container, data)?;
    let types = paths::types();
    let key = structure.is_keyed().then(|| structure.key(&types));
    let key_definition = key.as_ref().map(|key| key_type(&structure, key, &input.vis));
    let implementation = implementation(&structure, key.as_ref(), &description(&structure));
    let key_implementation = key.as_ref().map(|key| {
        let whole = &structure.ident;
        self::implementation(key, None, &quote!(<#whole as __dds::DdsType>::DESCRIPTION))
    });
    let topic = (!structure.nested).then(|| {
        topic::implementation(&structure.ident, &structure.name, key.as_ref().map(|key| &key.ident))
    });
    Ok(quote! {
        #key_definition
        const _: () = {
            use #types as __dds;
            #implementation
            #key_implementation
            #topic
        };
    })
}

/// The implementation for a structure; `key` is that of its key members, if it has some.
fn implementation(structure: &Structure, key: Option<&Structure>, description: &TokenStream) -> TokenStream {
    let ident = &structure.ident;
    let key_ident = key.map_or(ident, |key| &key.ident);
    let minimum = minimum_size(structure);
    let write = write(structure, structure.members.iter().collect(), &quote!(write), key.is_none());
    let read = read(structure, key.is_none());
    let read_over = read_over(structure);
    let skip = skip(structure);
    let (initial, duplicate) = (initial(structure), duplicate(structure));
    let keyed = key.map(|_| {
        let members = structure.members.iter().filter(|member| member.key).collect();
        let write_key = self::write(structure, members, &quote!(write_key), true);
        quote! {
            fn write_key(
                &self,
                writer: &mut __dds::cdr::CdrWriter<'_>,
            ) -> ::core::result::Result<(), __dds::EncodeError> {
                #write_key
            }
        }
    });
    let transcode = transcode_key(structure, key);
    let to_key = match key {
        Some(key) => {
            let fields = key.members.iter().zip(structure.members.iter().filter(|member| member.key)).map(
                |(part, member)| {
                    let (access, field, wire_type) = (&part.access, &member.access, &member.wire_type);
                    quote!(#access: <#wire_type as __dds::DdsType>::to_key(&self.#field))
                },
            );
            quote!(#key_ident { #(#fields),* })
        }
        None => quote!(__dds::DdsType::duplicate(self)),
    };
    let sizes = in_order_of_id(&structure.members).into_iter().map(size);
    quote! {
        impl __dds::DdsType for #ident {
            type Key = #key_ident;
            const DESCRIPTION: &'static __dds::TypeDescription = #description;
            const MINIMUM_SIZE: usize = #minimum;

            fn write(
                &self,
                writer: &mut __dds::cdr::CdrWriter<'_>,
            ) -> ::core::result::Result<(), __dds::EncodeError> {
                #write
            }

            fn read(
                reader: &mut __dds::cdr::CdrReader<'_>,
            ) -> ::core::result::Result<Self, __dds::DecodeError> {
                reader.nested(|reader| { #read })
            }

            #read_over

            fn skip(
                reader: &mut __dds::cdr::CdrReader<'_>,
            ) -> ::core::result::Result<(), __dds::DecodeError> {
                #skip
            }

            fn initial() -> Self {
                #initial
            }

            fn duplicate(&self) -> Self {
                #duplicate
            }

            fn to_key(&self) -> Self::Key {
                #to_key
            }

            #keyed
            #transcode

            fn add_size(size: &mut __dds::MaximumSize) {
                size.nested(|size| { #(#sizes)* });
            }
        }
    }
}

fn description(structure: &Structure) -> TokenStream {
    let Structure { name, extensibility, nested, autoid_hash, members, .. } = structure;
    let members = members.iter().map(|member| {
        let Member { name, wire_type, id, key, optional, must_understand, external, bound, .. } = member;
        let (octet, try_construct) = (member.octet, member.try_construct);
        let hash_id = match &member.hash_id {
            Some(hashed) => quote!(::core::option::Option::Some(#hashed)),
            None => quote!(::core::option::Option::None),
        };
        let bound = match bound {
            Some(bound) => quote!(::core::option::Option::Some(#bound)),
            None => quote!(::core::option::Option::None),
        };
        quote! {
            __dds::type_description::MemberDescription {
                name: #name,
                id: #id,
                member_type: __dds::type_description::TypeReference::of::<#wire_type>(),
                bound: #bound,
                key: #key,
                optional: #optional,
                must_understand: #must_understand,
                external: #external,
                octet: #octet,
                try_construct: #try_construct,
                hash_id: #hash_id,
            }
        }
    });
    quote! {
        &__dds::TypeDescription::Structure(__dds::type_description::StructureDescription {
            name: #name,
            extensibility: __dds::type_description::Extensibility::#extensibility,
            nested: #nested,
            autoid_hash: #autoid_hash,
            members: &[#(#members),*],
        })
    }
}

/// Fewest bytes of a value, over all encodings.
fn minimum_size(structure: &Structure) -> TokenStream {
    let members = structure.members.iter().map(|Member { optional, wire_type, .. }| match optional {
        true => quote!(1),
        false => quote!(<#wire_type as __dds::DdsType>::MINIMUM_SIZE),
    });
    let sum = quote!(0_usize #(.saturating_add(#members))*);
    match structure.extensibility {
        Extensibility::Final => sum,
        // A DHEADER with nothing behind it, in XCDR2.
        Extensibility::Appendable => quote!({
            let sum = #sum;
            if sum < 4 { sum } else { 4 }
        }),
        // A DHEADER, or the end of the list.
        Extensibility::Mutable => quote!(4),
    }
}

pub fn in_order_of_id(members: &[Member]) -> Vec<&Member> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|member| member.id);
    sorted
}

/// The body of `write` or `write_key`. Canonical keys have their members in order of id (XTypes
/// 1.3 §7.6.8.3.1).
fn write(
    structure: &Structure,
    members: Vec<&Member>,
    method: &TokenStream,
    may_be_canonical: bool,
) -> TokenStream {
    let statements = members.iter().map(|member| write_member(structure.extensibility, member, method));
    let statements = quote!(#(#statements)*);
    let mut sorted = members.clone();
    sorted.sort_by_key(|member| member.id);
    let canonical = (may_be_canonical && !members.is_sorted_by_key(|member| member.id)).then(|| {
        let statements = sorted.iter().map(|member| write_member(Extensibility::Final, member, method));
        quote! {
            if writer.is_canonical() {
                #(#statements)*
                return ::core::result::Result::Ok(());
            }
        }
    });
    match structure.extensibility {
        Extensibility::Final => quote!(#canonical #statements ::core::result::Result::Ok(())),
        Extensibility::Appendable => quote! {
            #canonical
            let delimiter = writer.begin_appendable();
            #statements
            writer.end_delimited(delimiter)
        },
        Extensibility::Mutable => quote! {
            #canonical
            let delimiter = writer.begin_mutable();
            #statements
            writer.end_mutable(delimiter)
        },
    }
}

fn write_member(extensibility: Extensibility, member: &Member, method: &TokenStream) -> TokenStream {
    let Member { access, wire_type, optional, bound, .. } = member;
    let header = member.header();
    let check =
        bound.map(|bound| quote!(<#wire_type as __dds::Bounded>::check_bound(value, #bound as usize)?;));
    let value = quote!({ #check <#wire_type as __dds::DdsType>::#method(value, writer) });
    let length_code = quote!(<#wire_type as __dds::DdsType>::LENGTH_CODE);
    match (extensibility, optional) {
        (Extensibility::Mutable, true) => quote! {
            writer.write_optional_member(#header, #length_code, self.#access.as_ref(), |value, writer| #value)?;
        },
        (Extensibility::Mutable, false) => quote! {
            writer.write_member(#header, #length_code, |writer| { let value = &self.#access; #value })?;
        },
        (_, true) => quote! {
            writer.write_optional(#header, self.#access.as_ref(), |value, writer| #value)?;
        },
        (_, false) => quote! {
            { let value = &self.#access; #value }?;
        },
    }
}

/// An expression that reads a member's value, without its being optional.
fn read_value(member: &Member) -> TokenStream {
    let Member { wire_type, bound, .. } = member;
    let behaviour = member.try_construct;
    let default = match (&member.default, member.optional) {
        _ if member.optional => quote!(::core::option::Option::None),
        (Some(value), _) => quote!(#value),
        _ => quote!(<#wire_type as __dds::DdsType>::initial()),
    };
    let present = member.may_vanish().then(|| quote!(.map(::core::option::Option::Some)));
    read_constructed(&quote!(#wire_type), *bound, behaviour, &quote!(#present), &default)
}

/// An expression that reads a value which may not fit its type.
pub fn read_constructed(
    wire_type: &TokenStream,
    bound: Option<u32>,
    behaviour: TryConstruct,
    present: &TokenStream,
    default: &TokenStream,
) -> TokenStream {
    let read = quote!(<#wire_type as __dds::DdsType>::read(reader));
    let check = bound
        .map(|bound| quote!(<#wire_type as __dds::Bounded>::check_encoded_bound(reader, #bound as usize)?;));
    match (behaviour, bound) {
        (TryConstruct::Trim, Some(bound)) => quote! {
            #read.map(|mut value| {
                <#wire_type as __dds::Bounded>::trim(&mut value, #bound as usize);
                value
            })
        },
        (TryConstruct::UseDefault, _) => quote! {
            reader.read_or_else(
                |reader| { #check #read #present },
                <#wire_type as __dds::DdsType>::skip,
                || #default,
            )
        },
        _ => quote!({ #check #read }),
    }
}

/// A statement that reads a member where members follow each other.
fn read_member(extensibility: Extensibility, member: &Member) -> TokenStream {
    let Member { variable, id, .. } = member;
    let value = read_value(member);
    let value = match member.optional {
        true if member.may_vanish() => {
            quote!(reader.read_optional(#id, |reader| #value).map(::core::option::Option::flatten))
        }
        true => quote!(reader.read_optional(#id, |reader| #value)),
        false => value,
    };
    if extensibility == Extensibility::Final || member.key {
        return quote!(let #variable = #value?;);
    }
    let absent = member.absent();
    quote!(let #variable = reader.read_or(|| #absent, |reader| #value)?;)
}

/// The body of `read`, within the closure that counts nesting.
fn read(structure: &Structure, may_be_canonical: bool) -> TokenStream {
    let construct = construct(structure, |member| {
        let variable = &member.variable;
        quote!(#variable)
    });
    let in_sequence = |extensibility, members: &[&Member]| {
        let statements = members.iter().map(|member| read_member(extensibility, member));
        quote!(#(#statements)* ::core::result::Result::Ok(#construct))
    };
    let declared: Vec<_> = structure.members.iter().collect();
    let sorted = in_order_of_id(&structure.members);
    let is_sorted = declared.is_sorted_by_key(|member| member.id);
    let mutable = structure.extensibility == Extensibility::Mutable;
    let canonical = (may_be_canonical && (mutable || !is_sorted)).then(|| {
        let body = in_sequence(Extensibility::Final, &sorted);
        quote!(if reader.is_canonical() { #body } else)
    });
    let body = match structure.extensibility {
        Extensibility::Final => in_sequence(Extensibility::Final, &declared),
        Extensibility::Appendable => {
            let body = in_sequence(Extensibility::Appendable, &declared);
            quote!(reader.read_appendable(|reader| { #body }))
        }
        Extensibility::Mutable => read_mutable(structure),
    };
    quote!(#canonical { #body })
}

/// `read_over`, where members follow each other.
fn read_over(structure: &Structure) -> Option<TokenStream> {
    let extensibility = structure.extensibility;
    let members = structure.members.iter().map(|member| read_member_over(extensibility, member));
    let omitted = structure.omitted.iter().map(|omitted| {
        let (access, default) = (&omitted.access, &omitted.default);
        quote!(self.#access = #default;)
    });
    let statements = quote!(#(#members)* #(#omitted)* ::core::result::Result::Ok(()));
    let body = match extensibility {
        Extensibility::Final => statements,
        Extensibility::Appendable => quote!(reader.read_appendable(|reader| { #statements })),
        // Members come in any order and may be absent: little would be won.
        Extensibility::Mutable => return None,
    };
    Some(quote! {
        fn read_over(
            &mut self,
            reader: &mut __dds::cdr::CdrReader<'_>,
        ) -> ::core::result::Result<(), __dds::DecodeError> {
            if reader.is_canonical() {
                *self = <Self as __dds::DdsType>::read(reader)?;
                return ::core::result::Result::Ok(());
            }
            reader.nested(|reader| { #body })
        }
    })
}

/// A statement that reads a member over its present value.
fn read_member_over(extensibility: Extensibility, member: &Member) -> TokenStream {
    let Member { variable, access, wire_type, bound, .. } = member;
    if member.optional || member.try_construct == TryConstruct::UseDefault {
        let read = read_member(extensibility, member);
        return quote!(#read self.#access = #variable;);
    }
    let over = quote!(<#wire_type as __dds::DdsType>::read_over(&mut self.#access, reader)?;);
    let read = match (member.try_construct, bound) {
        (TryConstruct::Trim, Some(bound)) => quote! {
            #over
            <#wire_type as __dds::Bounded>::trim(&mut self.#access, #bound as usize);
        },
        (_, Some(bound)) => quote! {
            <#wire_type as __dds::Bounded>::check_encoded_bound(reader, #bound as usize)?;
            #over
        },
        (_, None) => over,
    };
    if extensibility == Extensibility::Final || member.key {
        return read;
    }
    let absent = member.absent();
    quote!(if reader.has_ended() { self.#access = #absent; } else { #read })
}

fn read_mutable(structure: &Structure) -> TokenStream {
    let name = &structure.name;
    let variables = structure.members.iter().map(|member| &member.variable);
    let arms = structure.members.iter().map(|member| {
        let Member { variable, id, .. } = member;
        let value = read_value(member);
        match member.may_vanish() {
            true => quote!(#id => #variable = #value?,),
            false => quote!(#id => #variable = ::core::option::Option::Some(#value?),),
        }
    });
    let construct = construct(structure, |member| {
        let Member { variable, name: member_name, .. } = member;
        let absent = match member.key {
            true => quote! {
                return ::core::result::Result::Err(
                    reader.error(__dds::DecodeErrorKind::MissingMember {
                        type_name: __dds::TypeName::Borrowed(#name),
                        member: __dds::TypeName::Borrowed(#member_name),
                    })
                )
            },
            false => member.absent(),
        };
        let present = match member.optional {
            true => quote!(::core::option::Option::Some(value)),
            false => quote!(value),
        };
        quote! {
            match #variable {
                ::core::option::Option::Some(value) => #present,
                ::core::option::Option::None => #absent,
            }
        }
    });
    quote! {
        #(let mut #variables = ::core::option::Option::None;)*
        reader.read_mutable(#name, |reader, id| {
            match id {
                #(#arms)*
                _ => return ::core::result::Result::Ok(__dds::cdr::Known::No),
            }
            ::core::result::Result::Ok(__dds::cdr::Known::Yes)
        })?;
        ::core::result::Result::Ok(#construct)
    }
}

fn skip(structure: &Structure) -> TokenStream {
    let members = structure.members.iter().map(skip_member);
    let members = quote!(reader.nested(|reader| { #(#members)* ::core::result::Result::Ok(()) }));
    match structure.extensibility {
        Extensibility::Final => members,
        Extensibility::Appendable => quote! {
            if reader.has_delimiters() { reader.skip_delimited() } else { #members }
        },
        Extensibility::Mutable => quote!(reader.skip_mutable()),
    }
}

pub fn skip_member(member: &Member) -> TokenStream {
    let Member { wire_type, id, optional, .. } = member;
    match optional {
        true => quote!(reader.skip_optional(#id, <#wire_type as __dds::DdsType>::skip)?;),
        false => quote!(<#wire_type as __dds::DdsType>::skip(reader)?;),
    }
}

fn initial(structure: &Structure) -> TokenStream {
    construct(structure, Member::absent)
}

fn duplicate(structure: &Structure) -> TokenStream {
    construct(structure, |member| {
        let Member { access, wire_type, .. } = member;
        match member.optional {
            true => quote!(self.#access.as_ref().map(<#wire_type as __dds::DdsType>::duplicate)),
            false => quote!(<#wire_type as __dds::DdsType>::duplicate(&self.#access)),
        }
    })
}

/// A value of the structure, whose members have the values that `value` gives.
fn construct(structure: &Structure, value: impl Fn(&Member) -> TokenStream) -> TokenStream {
    let members = structure.members.iter().map(|member| {
        let (access, value) = (&member.access, value(member));
        quote!(#access: #value)
    });
    let omitted = structure.omitted.iter().map(|omitted| {
        let (access, default) = (&omitted.access, &omitted.default);
        quote!(#access: #default)
    });
    quote!(Self { #(#members,)* #(#omitted,)* })
}

fn size(member: &Member) -> TokenStream {
    let Member { wire_type, bound, .. } = member;
    let flag = member.optional.then(|| quote!(size.add(1, 1);));
    let value = match bound {
        Some(bound) => quote!(<#wire_type as __dds::Bounded>::add_size_bounded(size, #bound as usize);),
        None => quote!(<#wire_type as __dds::DdsType>::add_size(size);),
    };
    quote!(#flag #value)
}
