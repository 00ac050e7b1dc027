//! Names of tests and of API items that documents give, looked up in the sources.
//!
//! A test is `crate::path::function`: the path is that of its file below `tests` or `src`, without the
//! extension and without `mod` or `main`. A scenario of the interop harness is
//! `interop-tests::scenario::name`, a group of its cases of `shape_main` is `interop-tests::shapes::group`, a rule
//! by which it compares types is `interop-tests::types::rule`. An item is `Type::function`, or a bare type.

use crate::shell;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A test function found in the sources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundTest {
    /// The package that it is in.
    pub package: String,
    /// The test program, `None` for those within the library.
    pub program: Option<String>,
    /// Its name as the test program knows it.
    pub name: String,
}

/// Finds a test.
///
/// # Errors
/// There is none of this name.
pub fn find_test(reference: &str) -> Result<FoundTest, String> {
    let parts: Vec<&str> = reference.split("::").collect();
    let [package, path @ .., function] = parts.as_slice() else {
        return Err(format!("«{reference}» is no crate::file::function"));
    };
    let root = shell::root().join(package);
    if *package == "interop-tests" && path == ["scenario"] {
        return scenario(&root, function).ok_or(format!("no scenario «{function}»"));
    }
    if *package == "interop-tests" && path == ["shapes"] {
        let group = on_page(SHAPES, &format!("\n## {function}\n"), path, function);
        return group.ok_or(format!("no group «{function}» of cases on {SHAPES}"));
    }
    if *package == "interop-tests" && path == ["types"] {
        let rule = on_page(TYPES, &format!("| {function} |"), path, function);
        return rule.ok_or(format!("no rule «{function}» on {TYPES}"));
    }
    if let [program, world] = path
        && WORLDS.contains(world)
        && is_scenario(&root.join("tests").join(program).join("main.rs"), function)
    {
        return Ok(FoundTest {
            package: (*package).to_string(),
            program: Some((*program).to_string()),
            name: format!("{world}::{function}"),
        });
    }
    let is_here = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| has_test(&text, function));
    for directory in ["tests", "src"] {
        let file = path.iter().fold(root.join(directory), |at, part| at.join(part));
        let candidates = [file.with_extension("rs"), file.join("mod.rs"), file.join("main.rs")];
        if !candidates.iter().any(is_here) {
            continue;
        }
        let [program, modules @ ..] = path else { continue };
        let (program, modules) = match directory {
            "tests" => (Some((*program).to_string()), modules.to_vec()),
            _ => (None, path.to_vec()),
        };
        let name = modules.iter().chain([function]).copied().collect::<Vec<_>>().join("::");
        let name = if program.is_none() { in_library(&candidates, &name, function) } else { name };
        return Ok(FoundTest { package: (*package).to_string(), program, name });
    }
    Err(format!("no test «{reference}»"))
}

/// The modules in which dds-core's scenarios of policies become tests.
const WORLDS: &[&str] = &["simulated", "real"];

/// Whether a test program's list of scenarios has this one.
fn is_scenario(main: &Path, function: &str) -> bool {
    let text = fs::read_to_string(main).unwrap_or_default();
    text.split_once("\nscenarios! {").is_some_and(|(_, list)| list.contains(&format!("::{function},")))
}

/// Tests within a source file that is no test module by itself are in its module `tests`.
fn in_library(candidates: &[PathBuf], name: &str, function: &str) -> String {
    let text = candidates.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let has_module = text.contains("\nmod tests {");
    match name.strip_suffix(function) {
        Some(path) if has_module => format!("{path}tests::{function}"),
        _ => name.to_string(),
    }
}

fn scenario(root: &Path, name: &str) -> Option<FoundTest> {
    let mut files = rust_files(&root.join("src"));
    files.extend(rust_files(&root.join("tests")));
    let is_here = |file: &PathBuf| {
        fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("name: \"{name}\"")))
    };
    files.iter().any(is_here).then(|| FoundTest {
        package: "interop-tests".to_string(),
        program: Some("scenario".to_string()),
        name: name.to_string(),
    })
}

/// The page of the cases of `shape_main`, by group.
const SHAPES: &str = "docs/shapes.md";
/// The page of pairs of types, with the rule that decides each.
const TYPES: &str = "docs/types.md";

/// A part of the harness whose results a page has.
fn on_page(page: &str, wanted: &str, program: &[&str], name: &str) -> Option<FoundTest> {
    let text = fs::read_to_string(shell::root().join(page)).ok()?;
    text.contains(wanted).then(|| FoundTest {
        package: "interop-tests".to_string(),
        program: Some(program.concat()),
        name: name.to_string(),
    })
}

/// Whether a source has a function of this name with `#[test]` before it.
fn has_test(text: &str, function: &str) -> bool {
    let signature = format!("fn {function}(");
    text.match_indices(&signature).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        // Attributes and documentation belong to it; a brace ends what was before.
        let own = before.rfind(['}', ';']).map_or(before, |end| before.get(end..).unwrap_or_default());
        own.contains("#[test]")
    })
}

/// What the sources of some crates define.
#[derive(Default)]
pub struct Items {
    types: BTreeSet<String>,
    functions: BTreeSet<(String, String)>,
    /// Of each file: the types it has blocks of, and what macros there make or may make: functions in their
    /// bodies, and words given to them.
    made: Vec<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Items {
    /// Reads the sources of these crates.
    pub fn of(crates: &[&str]) -> Self {
        let mut items = Self::default();
        for name in crates {
            for file in rust_files(&shell::root().join(name).join("src")) {
                items.read(&fs::read_to_string(file).unwrap_or_default());
            }
        }
        items
    }

    /// Whether `Type::function` or a type of this name is there.
    pub fn contain(&self, item: &str) -> bool {
        let Some((of, function)) = item.split_once("::") else { return self.types.contains(item) };
        self.functions.contains(&(of.to_string(), function.to_string()))
            || self.made.iter().any(|(types, words)| types.contains(of) && words.contains(function))
    }

    fn read(&mut self, text: &str) {
        let mut block = String::new();
        let (mut blocks, mut words) = (BTreeSet::new(), BTreeSet::new());
        let mut end_of_call: Option<String> = None;
        let mut in_rules = false;
        for line in text.lines() {
            if !line.starts_with([' ', '\t'])
                && let Some(name) = block_of(line)
            {
                blocks.insert(name.clone());
                block = name;
            }
            if let Some(name) = type_of(line.trim_start()) {
                self.types.insert(name);
            }
            in_rules = line.starts_with("macro_rules! ") || in_rules && line != "}";
            if let Some((_, rest)) = line.split_once("fn ") {
                if in_rules {
                    words.insert(identifier(rest));
                } else {
                    self.functions.insert((block.clone(), identifier(rest)));
                }
            }
            if end_of_call.as_deref() == Some(line) {
                end_of_call = None;
            } else if end_of_call.is_some() {
                let found =
                    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
                words.extend(found.map(str::to_string));
            } else if line.ends_with("! {") {
                let indentation = line.len() - line.trim_start().len();
                end_of_call = Some(format!("{}}}", " ".repeat(indentation)));
            }
        }
        if !words.is_empty() {
            // Macros define types as well.
            self.types.extend(words.iter().filter(|word| word.starts_with(char::is_uppercase)).cloned());
            self.made.push((blocks, words));
        }
    }
}

/// The type whose block a line begins: an `impl` or a trait.
fn block_of(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    if let Some(rest) = line.strip_prefix("trait ") {
        return Some(identifier(rest));
    }
    let rest = line.strip_prefix("impl")?;
    let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest.trim_start() };
    let rest = rest.split_once(" for ").map_or(rest, |(_, of)| of);
    Some(identifier(rest))
}

fn type_of(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub ")?;
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| line.strip_prefix(kind))?;
    Some(identifier(rest))
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_where_they_are_and_nothing_else_is() {
        let found = find_test("xtask::references::tests_are_found_where_they_are_and_nothing_else_is");
        let found = found.unwrap();
        assert_eq!((&*found.package, found.program), ("xtask", None));
        assert_eq!(found.name, "references::tests::tests_are_found_where_they_are_and_nothing_else_is");
        let found = find_test("dds-core::hello::a_reliable_sample_reaches_a_reader_of_another_participant");
        assert_eq!(found.unwrap().program.as_deref(), Some("hello"));
        assert!(find_test("xtask::references::find_test").is_err(), "no test");
        assert!(find_test("interop-tests::scenario::keyed").is_ok());
        assert!(find_test("interop-tests::scenario::nonsense").is_err());
    }

    #[test]
    fn items_are_found_where_they_are_and_nothing_else_is() {
        let items = Items::of(&["dds-core"]);
        for item in ["DataReader", "DataReader::take", "DomainParticipant::enable", "Topic::set_qos"] {
            assert!(items.contain(item), "{item}");
        }
        assert!(items.contain("BuiltinSubscriber::topic_reader"), "made by a macro");
        assert!(items.contain("WriterBuilder::topic_qos"), "in a macro's body");
        for item in ["DataReader::untake", "Reader", "Topic::take"] {
            assert!(!items.contain(item), "{item}");
        }
    }
}
