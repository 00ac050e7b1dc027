//! Where the generated code finds dds-types.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::path::PathBuf;
use syn::Ident;

/// The path of the dds-types crate: directly, or as `types` of dds-core.
pub fn types() -> TokenStream {
    let manifest = manifest().unwrap_or_default();
    if let Some(name) = dependency(&manifest, "dds-types") {
        return quote!(::#name);
    }
    match dependency(&manifest, "dds-core") {
        Some(name) => quote!(::#name::types),
        None => quote!(::dds_types),
    }
}

#[expect(clippy::disallowed_methods, reason = "cargo tells macros so where the crate is")]
fn manifest() -> Option<toml::Table> {
    let path = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    std::fs::read_to_string(path).ok()?.parse().ok()
}

/// The name under which the crate being compiled knows `package`.
fn dependency(manifest: &toml::Table, package: &str) -> Option<Ident> {
    ["dependencies", "dev-dependencies"]
        .into_iter()
        .filter_map(|section| manifest.get(section)?.as_table())
        .flat_map(|section| section.iter())
        .find(|(name, value)| {
            value.get("package").and_then(toml::Value::as_str).unwrap_or(name.as_str()) == package
        })
        .map(|(name, _)| Ident::new(&name.replace('-', "_"), Span::call_site()))
}
