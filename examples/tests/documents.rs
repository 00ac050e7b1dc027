//! The documents name files that exist.

use std::{fs, path::PathBuf};

fn root() -> PathBuf {
    fs::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap().parent().unwrap().to_owned()
}

/// Targets of links, and paths in backquotes.
fn named(text: &str) -> Vec<(&str, bool)> {
    let mut names = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 0 {
            for link in part.split("](").skip(1) {
                names.push((link.split(')').next().unwrap(), true));
            }
            for quoted in part.split('`').skip(1).step_by(2) {
                let is_path = quoted.contains('/') && !quoted.contains([' ', '<', '(', ':', '*']);
                if is_path
                    && quoted
                        .split('/')
                        .next()
                        .is_some_and(|first| first.starts_with("dds-") || first == "docs")
                {
                    names.push((quoted, false));
                }
            }
        }
    }
    names
}

#[test]
fn links_and_paths_lead_to_files() {
    let mut dead = Vec::new();
    for document in ["README.md", "docs/guide.md", "docs/architecture.md"] {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        let names = named(&text);
        assert!(names.len() > 5, "{document} names almost nothing");
        for (name, is_link) in names {
            if name.contains("://") {
                continue;
            }
            let (file, heading) =
                name.split_once('#').map_or((name, None), |(file, heading)| (file, Some(heading)));
            let from = if is_link { path.parent().unwrap().to_owned() } else { root() };
            let target = if file.is_empty() { path.clone() } else { from.join(file) };
            if !target.exists() {
                dead.push(format!("{document}: {name}"));
            }
            if let Some(heading) = heading.filter(|_| file.is_empty()) {
                let anchors = text.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor);
                if !anchors.into_iter().any(|anchor| anchor == heading) {
                    dead.push(format!("{document}: {name}"));
                }
            }
        }
    }
    assert!(dead.is_empty(), "nothing there:\n{}", dead.join("\n"));
}

/// A heading as GitHub makes an anchor of it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-'].contains(letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
