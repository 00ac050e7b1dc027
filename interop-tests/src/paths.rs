//! Where things lie.

use std::path::PathBuf;

/// The repository's root.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}

/// This package's folder.
pub fn package() -> PathBuf {
    repository().join("interop-tests")
}

/// The peers' environments: `DDS_INTEROP_CACHE`, by default `.interop` at the repository's root.
pub fn cache() -> PathBuf {
    match std::env::var_os("DDS_INTEROP_CACHE") {
        Some(path) => PathBuf::from(path),
        None => repository().join(".interop"),
    }
}

/// A program of the workspace, built beside the harness.
pub fn beside(program: &str) -> PathBuf {
    let here = std::env::current_exe().ok();
    here.and_then(|path| Some(path.parent()?.join(program))).unwrap_or_default()
}

/// Logs and captures of the last run.
pub fn artifacts() -> PathBuf {
    cache().join("run")
}

/// The committed result file that `docs/interop.md` is generated from.
pub fn committed_results() -> PathBuf {
    package().join("results/full.json")
}

/// The committed result file that `docs/shapes.md` is generated from.
pub fn committed_shape_results() -> PathBuf {
    package().join("results/shapes.json")
}

/// The committed result file that `docs/types.md` is generated from.
pub fn committed_type_results() -> PathBuf {
    package().join("results/types.json")
}

/// The generated page of types that differ.
pub fn types_page() -> PathBuf {
    repository().join("docs/types.md")
}

/// The generated page of `shape_main` programs.
pub fn shapes_page() -> PathBuf {
    repository().join("docs/shapes.md")
}

/// The generated page.
pub fn page() -> PathBuf {
    repository().join("docs/interop.md")
}
