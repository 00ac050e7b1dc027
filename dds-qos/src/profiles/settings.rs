//! The trees that TOML and JSON files are read into, with the place of everything: for other settings in
//! files of the same style.

pub use super::node::{Key, Node, NodeValue, Position};

use super::error::{ProfileError, ProfileErrorKind};
use super::{json, toml};
use std::io::Read;
use std::path::Path;
use std::string::{String, ToString};

/// The largest file that is read, in bytes.
pub const MAX_FILE_SIZE: usize = 4 << 20;

/// The tree of a TOML or JSON file, by its extension.
///
/// # Errors
/// The file cannot be read, is larger than [`MAX_FILE_SIZE`], has another extension, or is no TOML or JSON.
pub fn from_path(path: impl AsRef<Path>) -> Result<Node, ProfileError> {
    let path = path.as_ref();
    let parse = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => toml::parse,
        Some("json") => json::parse,
        _ => {
            let kind = ProfileErrorKind::UnknownFormat { known: ".toml or .json" };
            return Err(ProfileError::from(kind).in_file(path));
        }
    };
    read(path).and_then(|text| parse(&text)).map_err(|error| error.in_file(path))
}

pub(super) fn read(path: &Path) -> Result<String, ProfileError> {
    let io = |error: std::io::Error| ProfileError::from(ProfileErrorKind::Io(error.to_string()));
    let mut text = String::new();
    let limit = u64::try_from(MAX_FILE_SIZE).unwrap_or(u64::MAX);
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(limit.saturating_add(1)).read_to_string(&mut text).map_err(io)?;
    if text.len() > MAX_FILE_SIZE {
        return Err(ProfileErrorKind::TooMuch { what: "bytes", limit: MAX_FILE_SIZE }.into());
    }
    Ok(text)
}
