//! Keys of structures: the type of the key members, and keys straight from bytes to bytes.

use crate::attributes::Extensibility;
use crate::model::{Member, Structure};
use crate::structure::{in_order_of_id, skip_member};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Member as Access, Visibility};

/// The definition of the key's type.
pub fn key_type(structure: &Structure, key: &Structure, visibility: &Visibility) -> TokenStream {
    let ident = &key.ident;
    let doc = format!("The key members of [`{}`].", structure.ident);
    let named = key.members.iter().all(|member| matches!(member.access, Access::Named(_)));
    let fields = key.members.iter().map(|member| {
        let Member { access, visibility, wire_type, name, .. } = member;
        let doc = format!("Key member `{name}`.");
        match access {
            Access::Named(ident) => quote!(#[doc = #doc] #visibility #ident: #wire_type),
            Access::Unnamed(_) => quote!(#[doc = #doc] #visibility #wire_type),
        }
    });
    let fields = if named { quote!({ #(#fields),* }) } else { quote!((#(#fields),*);) };
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, PartialEq)]
        #visibility struct #ident #fields
    }
}

/// `transcode_key`, for structures with a key and for keys; others use the default by value.
pub fn transcode_key(structure: &Structure, key: Option<&Structure>) -> Option<TokenStream> {
    if !structure.is_keyed() {
        return None;
    }
    debug_assert!(key.is_some() || structure.members.iter().all(|member| member.key));
    let body = match structure.extensibility {
        Extensibility::Final => in_sequence(structure),
        Extensibility::Appendable => {
            let body = in_sequence(structure);
            quote!(reader.read_appendable(|reader| { #body }))
        }
        Extensibility::Mutable => by_id(structure),
    };
    Some(quote! {
        fn transcode_key(
            reader: &mut __dds::cdr::CdrReader<'_>,
            writer: &mut __dds::cdr::CdrWriter<'_>,
        ) -> ::core::result::Result<(), __dds::DecodeError> {
            reader.nested(|reader| { #body })
        }
    })
}

fn position(member: &Member) -> proc_macro2::Ident {
    format_ident!("at_{}", member.variable)
}

/// Notes where the key members are, skipping the others, and stops at the last.
fn in_sequence(structure: &Structure) -> TokenStream {
    let last = structure.members.iter().rposition(|member| member.key).unwrap_or_default();
    let notes = structure.members.iter().take(last + 1).enumerate().map(|(index, member)| {
        let at = position(member);
        let note = member.key.then(|| quote!(let #at = ::core::clone::Clone::clone(reader);));
        let skip = (index != last).then(|| skip_member(member));
        quote!(#note #skip)
    });
    let copies = copies(structure, |member| {
        let at = position(member);
        quote!(let mut at = #at;)
    });
    quote!(#(#notes)* #copies)
}

/// Notes where the members with the ids of the key are.
fn by_id(structure: &Structure) -> TokenStream {
    let name = &structure.name;
    let keys = || structure.members.iter().filter(|member| member.key);
    let positions = keys().map(position);
    let arms = keys().map(|member| {
        let (at, id) = (position(member), member.id);
        quote!(#id => #at = ::core::option::Option::Some(::core::clone::Clone::clone(reader)),)
    });
    let others = structure.members.iter().filter(|member| !member.key).map(|member| {
        let id = member.id;
        quote!(#id => {})
    });
    let copies = copies(structure, |member| {
        let (at, member) = (position(member), &member.name);
        quote! {
            let ::core::option::Option::Some(mut at) = #at else {
                return ::core::result::Result::Err(
                    reader.error(__dds::DecodeErrorKind::MissingMember {
                        type_name: __dds::TypeName::Borrowed(#name),
                        member: __dds::TypeName::Borrowed(#member),
                    })
                );
            };
        }
    });
    quote! {
        #(let mut #positions = ::core::option::Option::None;)*
        reader.read_mutable(#name, |reader, id| {
            match id {
                #(#arms)*
                #(#others)*
                _ => return ::core::result::Result::Ok(__dds::cdr::Known::No),
            }
            ::core::result::Result::Ok(__dds::cdr::Known::Yes)
        })?;
        #copies
    }
}

/// Copies the key members from where they were found, in order of id.
fn copies(structure: &Structure, take: impl Fn(&Member) -> TokenStream) -> TokenStream {
    let copies = in_order_of_id(&structure.members).into_iter().filter(|member| member.key).map(|member| {
        let Member { wire_type, bound, .. } = member;
        let take = take(member);
        let check = bound
            .map(|bound| quote!(<#wire_type as __dds::Bounded>::check_encoded_bound(&at, #bound as usize)?;));
        quote! {{
            #take
            #check
            <#wire_type as __dds::DdsType>::transcode_key(&mut at, writer)?;
        }}
    });
    quote!(#(#copies)* ::core::result::Result::Ok(()))
}
