//! Tests that documents refer to, as `` [`name`](../path/to/file.rs) ``, exist.

use crate::shell;
use crate::stage::Outcome;
use std::fs;
use std::path::Path;

/// Looks at every document in `docs`.
pub fn check() -> Outcome {
    let documents = shell::root().join("docs");
    let mut missing = Vec::new();
    let entries = fs::read_dir(&documents).map_err(|error| error.to_string())?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let absent = references(&text).into_iter().filter(|reference| !exists(&documents, reference));
            missing.extend(absent.map(|(name, file)| format!("{}: no `{name}` in {file}", path.display())));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

/// Name and file of each reference to a function of a Rust file.
fn references(text: &str) -> Vec<(&str, &str)> {
    let after_open = text.split("[`").skip(1);
    let reference = |rest: &'_ str| -> Option<(usize, usize, usize)> {
        let name_end = rest.find("`](")?;
        let file_end = name_end + rest[name_end..].find(')')?;
        Some((name_end, name_end + 3, file_end))
    };
    let mut found = Vec::new();
    for rest in after_open {
        let Some((name_end, file_start, file_end)) = reference(rest) else { continue };
        let (name, file) = (&rest[..name_end], &rest[file_start..file_end]);
        let is_identifier =
            name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        if is_identifier && file.ends_with(".rs") {
            found.push((name, file));
        }
    }
    found
}

fn exists(documents: &Path, (name, file): &(&str, &str)) -> bool {
    let text = fs::read_to_string(documents.join(file)).unwrap_or_default();
    text.contains(&format!("fn {name}(")) || text.contains(&format!("fn {name}<"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_links_from_names_to_rust_files() {
        let text = "| [`one`](../a/b.rs) [`two`](../c.rs), [`Type`](https://x) `three` [four](../d.rs) [`not one`](../e.rs) |";
        assert_eq!(references(text), [("one", "../a/b.rs"), ("two", "../c.rs")]);
    }
}
