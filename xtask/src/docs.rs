//! Documents generated from tables in the code.

use crate::stage::Outcome;
use crate::{configuration_document, named_tests, qos_document, shell};
use std::fs;

struct Document {
    path: &'static str,
    render: fn() -> String,
}

const DOCUMENTS: &[Document] = &[
    Document { path: "docs/configuration.md", render: configuration_document::render },
    Document { path: "docs/qos.md", render: qos_document::render },
];

/// Writes every document anew.
pub fn write() -> Outcome {
    for document in DOCUMENTS {
        let path = shell::root().join(document.path);
        fs::write(&path, (document.render)()).map_err(|error| format!("{}: {error}", document.path))?;
        println!("{}", document.path);
    }
    Ok(())
}

/// Whether every document is what its table says now, and the tests that documents name exist.
pub fn check() -> Outcome {
    let stale: Vec<&str> = DOCUMENTS
        .iter()
        .filter(|document| {
            fs::read_to_string(shell::root().join(document.path)).ok() != Some((document.render)())
        })
        .map(|document| document.path)
        .collect();
    if stale.is_empty() {
        named_tests::check()
    } else {
        Err(format!("{} not up to date; run `cargo xtask docs`", stale.join(", ")))
    }
}
