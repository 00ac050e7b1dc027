//! Which crate of the workspace may depend on which: a layer is a crate, and imports run down only.

use crate::shell;
use crate::stage::Outcome;
use serde_json::Value;

/// Allowed edges; what is not here is not allowed. Development dependencies are listed apart.
const ALLOWED: &[Edges] = &[
    Edges { from: "dds-types", to: &[], dev: &["dds-derive"] },
    Edges { from: "dds-derive", to: &[], dev: &["dds-types", "dds-core"] },
    Edges { from: "dds-filter", to: &["dds-types"], dev: &["dds-derive"] },
    Edges { from: "dds-qos", to: &["dds-types"], dev: &[] },
    Edges { from: "dds-rtps", to: &["dds-qos", "dds-types"], dev: &[] },
    Edges { from: "dds-transport", to: &[], dev: &[] },
    Edges {
        from: "dds-core",
        to: &["dds-types", "dds-derive", "dds-filter", "dds-qos", "dds-rtps", "dds-transport"],
        dev: &["dds-sim"],
    },
    Edges { from: "dds-sim", to: &["dds-core", "dds-qos", "dds-rtps", "dds-types"], dev: &[] },
    Edges { from: "dds-durability", to: &["dds-core"], dev: &["dds-sim"] },
    Edges { from: "dds-bench", to: &["dds-core"], dev: &[] },
    Edges { from: "examples", to: &["dds-core"], dev: &[] },
    Edges { from: "interop-tests", to: &["dds-core"], dev: &[] },
    // Generates docs/qos.md from the policy table, docs/configuration.md from that of keys.
    Edges { from: "xtask", to: &["dds-core", "dds-qos"], dev: &[] },
];

struct Edges {
    from: &'static str,
    to: &'static [&'static str],
    dev: &'static [&'static str],
}

/// Compares cargo's metadata with the list.
pub fn check() -> Outcome {
    let metadata = shell::command("cargo").args(["metadata", "--format-version=1", "--no-deps"]).output()?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    for package in array(&metadata, "packages") {
        let from = text(package, "name");
        let Some(edges) = ALLOWED.iter().find(|edges| edges.from == from) else {
            wrong.push(format!("{from} is not in the list"));
            continue;
        };
        for dependency in array(package, "dependencies").iter().filter(|dependency| is_ours(dependency)) {
            let to = text(dependency, "name");
            let is_dev = text(dependency, "kind") == "dev";
            // A crate may test itself with other features.
            let allowed = edges.to.contains(&to) || (is_dev && (to == from || edges.dev.contains(&to)));
            if !allowed {
                let kind = if is_dev { "dev-depends" } else { "depends" };
                wrong.push(format!("{from} {kind} on {to}"));
            }
        }
    }
    if wrong.is_empty() {
        println!("all edges between crates are allowed");
        Ok(())
    } else {
        Err(format!("edges not allowed by xtask/src/edges.rs: {}", wrong.join("; ")))
    }
}

fn is_ours(dependency: &Value) -> bool {
    dependency.get("path").is_some_and(|path| !path.is_null())
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}
