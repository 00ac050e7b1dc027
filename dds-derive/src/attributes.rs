//! Parsing of `#[dds(...)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, LitInt, LitStr, Result, Token, Type, parenthesized};

/// How a type may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extensibility {
    #[default]
    Final,
    Appendable,
    Mutable,
}

impl ToTokens for Extensibility {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Final => quote!(Final),
            Self::Appendable => quote!(Appendable),
            Self::Mutable => quote!(Mutable),
        });
    }
}

/// What becomes of a value that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TryConstruct {
    #[default]
    Discard,
    UseDefault,
    Trim,
}

impl ToTokens for TryConstruct {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Discard => quote!(__dds::type_description::TryConstruct::Discard),
            Self::UseDefault => quote!(__dds::type_description::TryConstruct::UseDefault),
            Self::Trim => quote!(__dds::type_description::TryConstruct::Trim),
        });
    }
}

/// Attributes of the type.
#[derive(Default)]
pub struct Container {
    pub name: Option<String>,
    pub extensibility: Option<(Extensibility, Span)>,
    pub nested: Option<Span>,
    pub autoid_hash: bool,
    pub switch: Option<Type>,
    pub bit_bound: Option<(u16, Span)>,
    pub bitmask: Option<Span>,
}

impl Container {
    pub fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| container.attribute(meta))?;
        Ok(container)
    }

    fn attribute(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let span = meta.path.span();
        match name(meta).as_str() {
            "name" => self.name = Some(type_name(&meta.value()?.parse()?)?),
            "extensibility" => self.extensibility = Some((extensibility(meta)?, span)),
            "nested" => self.nested = Some(span),
            "autoid" => {
                let value: LitStr = meta.value()?.parse()?;
                self.autoid_hash = match value.value().as_str() {
                    "hash" => true,
                    "sequential" => false,
                    _ => return Err(Error::new(value.span(), "autoid is \"hash\" or \"sequential\"")),
                };
            }
            "switch" => {
                let content;
                parenthesized!(content in meta.input);
                self.switch = Some(content.parse()?);
                if !content.is_empty() {
                    return Err(content.error(
                        "switch takes the discriminator type only; unions whose key is the discriminator are \
                         not supported",
                    ));
                }
            }
            "bit_bound" => self.bit_bound = Some((bit_bound(meta)?, span)),
            "bitmask" => self.bitmask = Some(span),
            _ => {
                return Err(unknown(
                    meta,
                    "types",
                    "name, extensibility, nested, autoid, switch, bit_bound, bitmask",
                ));
            }
        }
        Ok(())
    }

    pub fn is_bitmask(&self) -> bool {
        self.bitmask.is_some()
    }

    pub fn is_union(&self) -> bool {
        self.switch.is_some()
    }

    pub fn extensibility(&self) -> Extensibility {
        self.extensibility.map(|(extensibility, _)| extensibility).unwrap_or_default()
    }

    /// Refuses an attribute that the kind of type cannot have.
    pub fn refuse(span: Option<Span>, message: &str) -> Result<()> {
        span.map_or(Ok(()), |span| Err(Error::new(span, message)))
    }
}

/// Attributes of a field.
#[derive(Default)]
pub struct Field {
    pub name: Option<String>,
    pub key: Option<Span>,
    pub id: Option<(u32, Span)>,
    pub hashid: Option<Option<String>>,
    pub optional: Option<Span>,
    pub default_value: Option<Expr>,
    pub external: bool,
    pub non_serialized: Option<Span>,
    pub must_understand: bool,
    pub bounded: Option<LitInt>,
    pub position: Option<(u16, Span)>,
    pub discriminator: Option<Span>,
    pub octet: bool,
    pub try_construct: Option<(TryConstruct, Span)>,
}

impl Field {
    pub fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut field = Self::default();
        each(attributes, |meta| field.attribute(meta))?;
        Ok(field)
    }

    fn attribute(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let span = meta.path.span();
        match name(meta).as_str() {
            "name" => self.name = Some(member_name(&meta.value()?.parse()?)?),
            "key" => self.key = Some(span),
            "id" => {
                let value: LitInt = meta.value()?.parse()?;
                self.id = match value.base10_parse::<u32>()? {
                    id if id < 1 << 28 => Some((id, value.span())),
                    _ => return Err(Error::new(value.span(), "member ids have 28 bits: at most 0x0fffffff")),
                };
            }
            "hashid" => {
                let value = meta.input.peek(Token![=]).then(|| meta.value()?.parse::<LitStr>());
                self.hashid = Some(value.transpose()?.map(|value| value.value()));
            }
            "optional" => self.optional = Some(span),
            "default_value" => self.default_value = Some(meta.value()?.parse()?),
            "external" => self.external = true,
            "non_serialized" => self.non_serialized = Some(span),
            "must_understand" => self.must_understand = true,
            "bounded" => {
                let content;
                parenthesized!(content in meta.input);
                let bound: LitInt = content.parse()?;
                if bound.base10_parse::<u32>()? == 0 {
                    return Err(Error::new(bound.span(), "a bound is at least 1; leave it out for none"));
                }
                self.bounded = Some(bound);
            }
            "position" => {
                let value: LitInt = meta.value()?.parse()?;
                self.position = Some((value.base10_parse()?, value.span()));
            }
            "discriminator" => self.discriminator = Some(span),
            "octet" => self.octet = true,
            "try_construct" => self.try_construct = Some((try_construct(meta)?, span)),
            _ => {
                return Err(unknown(
                    meta,
                    "members",
                    "name, key, id, hashid, optional, default_value, external, non_serialized, must_understand, \
                     bounded, position, discriminator, octet, try_construct",
                ));
            }
        }
        Ok(())
    }
}

/// Attributes of a variant.
#[derive(Default)]
pub struct Variant {
    pub name: Option<String>,
    pub cases: Vec<Expr>,
    pub default: Option<Span>,
}

impl Variant {
    pub fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut variant = Self::default();
        each(attributes, |meta| {
            match name(meta).as_str() {
                "name" => variant.name = Some(member_name(&meta.value()?.parse()?)?),
                "case" => variant.cases.push(meta.value()?.parse()?),
                "default" => variant.default = Some(meta.path.span()),
                _ => return Err(unknown(meta, "variants", "name, case, default")),
            }
            Ok(())
        })?;
        Ok(variant)
    }
}

fn each(
    attributes: &[Attribute],
    mut attribute: impl FnMut(&ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    let mut seen = Vec::new();
    for dds in attributes.iter().filter(|attribute| attribute.path().is_ident("dds")) {
        dds.parse_nested_meta(|meta| {
            let name = name(&meta);
            if name != "case" && seen.contains(&name) {
                return Err(meta.error(format!("{name} is given twice")));
            }
            seen.push(name);
            attribute(&meta)
        })?;
    }
    Ok(())
}

fn name(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

fn unknown(meta: &ParseNestedMeta<'_>, place: &str, known: &str) -> Error {
    meta.error(format!("unknown attribute; {place} can have: {known}"))
}

fn type_name(name: &LitStr) -> Result<String> {
    let value = name.value();
    let is_identifier = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|other| other.is_ascii_alphanumeric() || other == '_')
    };
    if value.split("::").all(is_identifier) {
        Ok(value)
    } else {
        Err(Error::new(name.span(), "a DDS type name is identifiers joined by `::`, such as \"robot::Pose\""))
    }
}

fn member_name(name: &LitStr) -> Result<String> {
    match type_name(name)? {
        value if !value.contains("::") => Ok(value),
        _ => Err(Error::new(name.span(), "the name of a member is one identifier")),
    }
}

fn try_construct(meta: &ParseNestedMeta<'_>) -> Result<TryConstruct> {
    let value: LitStr = meta.value()?.parse()?;
    match value.value().as_str() {
        "discard" => Ok(TryConstruct::Discard),
        "use_default" => Ok(TryConstruct::UseDefault),
        "trim" => Ok(TryConstruct::Trim),
        _ => Err(Error::new(value.span(), "try_construct is \"discard\", \"use_default\" or \"trim\"")),
    }
}

fn extensibility(meta: &ParseNestedMeta<'_>) -> Result<Extensibility> {
    let value: LitStr = meta.value()?.parse()?;
    match value.value().as_str() {
        "final" => Ok(Extensibility::Final),
        "appendable" => Ok(Extensibility::Appendable),
        "mutable" => Ok(Extensibility::Mutable),
        _ => Err(Error::new(value.span(), "extensibility is \"final\", \"appendable\" or \"mutable\"")),
    }
}

/// `bit_bound = "8"`, or without the quotes.
fn bit_bound(meta: &ParseNestedMeta<'_>) -> Result<u16> {
    let input = meta.value()?;
    if input.peek(LitInt) {
        return input.parse::<LitInt>()?.base10_parse();
    }
    let value: LitStr = input.parse()?;
    value
        .value()
        .parse()
        .map_err(|_| Error::new(value.span(), "bit_bound is a number of bits, such as \"8\""))
}
