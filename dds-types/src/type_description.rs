//! Static descriptions of types: the data type objects are made from.

/// A type as XTypes sees it.
#[derive(Clone, Copy, Debug)]
pub struct TypeDescription {
    /// Name of the type, scopes separated by `::`.
    pub name: &'static str,
}
