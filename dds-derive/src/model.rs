//! Structures as the generator sees them.

use crate::attributes::{Container, Extensibility, Field, TryConstruct};
use md5::{Digest, Md5};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    DataStruct, DeriveInput, Error, Expr, GenericArgument, Ident, Index, Member as Access, PathArguments,
    Result, Type, Visibility,
};

/// A structure, or the key of one.
pub struct Structure {
    pub ident: Ident,
    pub name: String,
    pub extensibility: Extensibility,
    pub nested: bool,
    pub autoid_hash: bool,
    pub members: Vec<Member>,
    /// Members that are not sent.
    pub omitted: Vec<Omitted>,
}

/// A member that is sent.
#[derive(Clone)]
pub struct Member {
    /// How to get at the field.
    pub access: Access,
    /// A variable for its value.
    pub variable: Ident,
    pub visibility: Visibility,
    pub name: String,
    /// Type on the wire, without `Option`.
    pub wire_type: TokenStream,
    pub id: u32,
    pub key: bool,
    pub optional: bool,
    pub must_understand: bool,
    pub external: bool,
    pub bound: Option<u32>,
    pub octet: bool,
    pub try_construct: TryConstruct,
    pub hash_id: Option<String>,
    pub default: Option<Expr>,
}

/// A field that is not sent.
pub struct Omitted {
    pub access: Access,
    pub default: TokenStream,
}

impl Structure {
    pub fn parse(input: &DeriveInput, container: &Container, data: &DataStruct) -> Result<Self> {
        let mut structure = Self {
            ident: input.ident.clone(),
            name: container.name.clone().unwrap_or_else(|| input.ident.unraw().to_string()),
            extensibility: container.extensibility(),
            nested: container.nested.is_some(),
            autoid_hash: container.autoid_hash,
            members: Vec::new(),
            omitted: Vec::new(),
        };
        let mut next_id = 0;
        for (index, field) in data.fields.iter().enumerate() {
            let access = match &field.ident {
                Some(ident) => Access::Named(ident.clone()),
                None => Access::Unnamed(Index::from(index)),
            };
            let attributes = Field::parse(&field.attrs)?;
            Container::refuse(
                attributes.position.map(|(_, span)| span),
                "only flags of bitmasks have a position",
            )?;
            Container::refuse(
                attributes.discriminator,
                "only fields of union variants can be a discriminator",
            )?;
            if let Some(span) = attributes.non_serialized {
                if attributes.key.is_some() {
                    return Err(Error::new(
                        span,
                        "a key member must be serialized: remove key or non_serialized",
                    ));
                }
                let default = match attributes.default_value {
                    Some(value) => value.into_token_stream(),
                    None => quote!(::core::default::Default::default()),
                };
                structure.omitted.push(Omitted { access, default });
                continue;
            }
            let member = Member::new(field, access, index, attributes, container, next_id)?;
            if let Some(other) = structure.members.iter().find(|other| other.id == member.id) {
                let message = format!(
                    "member id {:#x} is also that of `{}`: give one of them another with #[dds(id = N)]",
                    member.id, other.name
                );
                let span = field.ident.as_ref().map_or_else(|| field.ty.span(), Ident::span);
                return Err(Error::new(span, message));
            }
            next_id = member.id.wrapping_add(1);
            structure.members.push(member);
        }
        if structure.members.is_empty() {
            let message =
                "a DDS structure has at least one member that is sent; add one, for example `unused: u8`";
            return Err(Error::new(input.ident.span(), message));
        }
        Ok(structure)
    }

    pub fn is_keyed(&self) -> bool {
        self.members.iter().any(|member| member.key)
    }

    /// The structure of the key members, which is encoded as this one.
    pub fn key(&self, types: &TokenStream) -> Self {
        let named = self.members.iter().all(|member| matches!(member.access, Access::Named(_)));
        let members = self.members.iter().filter(|member| member.key).enumerate().map(|(index, member)| {
            let inner = &member.wire_type;
            Member {
                access: if named { member.access.clone() } else { Access::Unnamed(Index::from(index)) },
                wire_type: quote!(<#inner as #types::DdsType>::Key),
                ..member.clone()
            }
        });
        Self {
            ident: format_ident!("{}Key", self.ident.unraw()),
            name: self.name.clone(),
            extensibility: self.extensibility,
            nested: true,
            autoid_hash: self.autoid_hash,
            members: members.collect(),
            omitted: Vec::new(),
        }
    }
}

impl Member {
    fn new(
        field: &syn::Field,
        access: Access,
        index: usize,
        attributes: Field,
        container: &Container,
        next_id: u32,
    ) -> Result<Self> {
        let name = match (attributes.name, &access) {
            (Some(name), _) => name,
            (None, Access::Named(ident)) => ident.unraw().to_string(),
            (None, Access::Unnamed(index)) => format!("field_{}", index.index),
        };
        let inner = argument_of(&field.ty, "Option");
        if let (Some(span), None) = (attributes.optional, inner) {
            let message = "an optional member has the type Option<T>: wrap the type of the field";
            return Err(Error::new(span, message));
        }
        if let (Some(span), Some(_)) = (attributes.key, inner) {
            return Err(Error::new(span, "a key member cannot be optional: remove key or the Option"));
        }
        check_trim(attributes.try_construct, attributes.bounded.is_some())?;
        let wire_type = inner.unwrap_or(&field.ty);
        let id = match (attributes.id, &attributes.hashid) {
            (Some((_, span)), Some(_)) => {
                return Err(Error::new(span, "id and hashid exclude each other: remove one"));
            }
            (Some((id, _)), None) => id,
            (None, Some(hashed)) => hash_id(hashed.as_deref().unwrap_or(&name)),
            (None, None) if container.autoid_hash => hash_id(&name),
            (None, None) => next_id,
        };
        Ok(Self {
            access,
            variable: format_ident!("member_{index}"),
            visibility: field.vis.clone(),
            name,
            id,
            key: attributes.key.is_some(),
            optional: inner.is_some(),
            must_understand: attributes.must_understand,
            external: attributes.external || argument_of(wire_type, "Box").is_some(),
            bound: attributes.bounded.map(|bound| bound.base10_parse()).transpose()?,
            octet: attributes.octet,
            try_construct: attributes.try_construct.map(|(behaviour, _)| behaviour).unwrap_or_default(),
            hash_id: attributes.hashid.map(Option::unwrap_or_default),
            default: attributes.default_value,
            wire_type: wire_type.into_token_stream(),
        })
    }

    /// What identifies the member on the wire.
    pub fn header(&self) -> TokenStream {
        let (id, must_understand) = (self.id, self.must_understand);
        quote!(__dds::cdr::MemberHeader { id: #id, must_understand: #must_understand })
    }

    /// Whether a value that does not fit leaves the member absent: what is optional is so by default.
    pub fn may_vanish(&self) -> bool {
        self.optional && self.try_construct == TryConstruct::UseDefault
    }

    /// The value where a sample lacks the member.
    pub fn absent(&self) -> TokenStream {
        let wire_type = &self.wire_type;
        match &self.default {
            Some(value) => value.into_token_stream(),
            None if self.optional => quote!(::core::option::Option::None),
            None => quote!(<#wire_type as __dds::DdsType>::initial()),
        }
    }
}

/// Refuses to trim what has no bound.
pub fn check_trim(behaviour: Option<(TryConstruct, Span)>, is_bounded: bool) -> Result<()> {
    match behaviour {
        Some((TryConstruct::Trim, span)) if !is_bounded => {
            Err(Error::new(span, "what is trimmed has a bound: add bounded(N)"))
        }
        _ => Ok(()),
    }
}

/// The argument of `wrapper<T>`, by name: a macro cannot know more.
pub fn argument_of<'t>(outer: &'t Type, wrapper: &str) -> Option<&'t Type> {
    // A type that a declarative macro was given comes in an invisible group.
    let mut outer = outer;
    while let Type::Group(group) = outer {
        outer = &group.elem;
    }
    let Type::Path(path) = outer else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == wrapper)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

/// Member id from a name: the first four bytes of its MD5, little endian, 28 bits of them
/// (XTypes 1.3 §7.3.1.2.1.1).
fn hash_id(name: &str) -> u32 {
    let digest = Md5::digest(name.as_bytes());
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]) & 0x0fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_ids_are_those_of_the_standards_example() {
        assert_eq!(hash_id("color"), 0x0fa5_dd70);
    }
}
