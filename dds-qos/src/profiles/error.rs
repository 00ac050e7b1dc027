use super::node::Position;
use crate::Inconsistency;
use std::boxed::Box;
use std::fmt;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

/// Why profiles or settings could not be loaded or used, and where in the text.
#[derive(Clone, PartialEq, Debug)]
pub struct ProfileError {
    /// The cause.
    pub kind: ProfileErrorKind,
    /// The file, when one was read.
    pub file: Option<PathBuf>,
    /// Line and column, both from 1, where the cause has a place.
    pub position: Option<(usize, usize)>,
}

/// Causes of a [`ProfileError`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ProfileErrorKind {
    /// The text is not TOML, JSON or XML, in the parser's words.
    Syntax(String),
    /// A key, element or attribute that means nothing there.
    UnknownKey(Box<Suggestion>),
    /// A value that is none of the names possible there.
    UnknownName(Box<Suggestion>),
    /// No profile of this name, asked for or named as `base`.
    UnknownProfile(Box<Suggestion>),
    /// A key that must be there is not.
    MissingKey(&'static str),
    /// A key that is there twice.
    DuplicateKey(String),
    /// A value of another type than the one described.
    WrongType {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A number outside of the range described.
    OutOfRange {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: i64,
    },
    /// Profiles that are based on each other, first and last the same.
    Cycle(Vec<String>),
    /// Policies that contradict each other.
    Inconsistent(Vec<Inconsistency>),
    /// The file could not be read, in the system's words.
    Io(String),
    /// More than is read.
    TooMuch {
        /// Of what.
        what: &'static str,
        /// What is read.
        limit: usize,
    },
    /// The file's extension is none of those known.
    UnknownFormat {
        /// Those known, in words.
        known: &'static str,
    },
    /// An XML root element that belongs to no dialect.
    UnknownRoot(String),
}

/// A name that is not known, and the nearest that is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suggestion {
    /// What was found.
    pub found: String,
    /// What was probably meant.
    pub nearest: Option<String>,
    /// All that is known.
    pub known: Vec<String>,
}

impl Suggestion {
    /// Below this similarity, 0 to 1, a name is rather something else than a slip.
    const SIMILAR: f64 = 0.5;
    /// Longer names are compared with nothing: the work grows with the square.
    const COMPARED: usize = 64;

    /// What is nearest to `found` among the `known`.
    pub fn new<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Box<Self> {
        let known: Vec<String> = known.into_iter().map(ToString::to_string).collect();
        let folded = fold(found);
        let nearest = known
            .iter()
            .filter(|name| found.len() <= Self::COMPARED && name.len() <= Self::COMPARED)
            .map(|name| (strsim::normalized_damerau_levenshtein(&folded, &fold(name)), name))
            .filter(|(similarity, _)| *similarity >= Self::SIMILAR)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, name)| name.clone());
        Box::new(Self { found: found.to_string(), nearest, known })
    }
}

impl Suggestion {
    /// How many letters differ between what was found and the nearest.
    pub fn edits(&self) -> Option<usize> {
        let nearest = self.nearest.as_ref()?;
        Some(strsim::damerau_levenshtein(&fold(&self.found), &fold(nearest)))
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, nearest, known } = self;
        match nearest {
            Some(nearest) => write!(f, "`{found}`, did you mean `{nearest}`?"),
            None => write!(f, "`{found}`; known are {}", known.join(", ")),
        }
    }
}

/// Names are compared in one case, with `-` and `_` the same.
pub(super) fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

impl ProfileErrorKind {
    pub(super) fn at(self, position: Position) -> ProfileError {
        ProfileError { kind: self, file: None, position: position.line_and_column() }
    }
}

impl From<ProfileErrorKind> for ProfileError {
    fn from(kind: ProfileErrorKind) -> Self {
        kind.at(Position::NONE)
    }
}

impl ProfileError {
    /// The same, in this file.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.file = Some(path.to_path_buf());
        self
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.position) {
            (Some(file), Some((line, column))) => write!(f, "{}:{line}:{column}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some((line, column))) => write!(f, "line {line}, column {column}: ")?,
            (None, None) => {}
        }
        match &self.kind {
            ProfileErrorKind::Syntax(message) | ProfileErrorKind::Io(message) => f.write_str(message),
            ProfileErrorKind::UnknownKey(suggestion) => write!(f, "unknown key {suggestion}"),
            ProfileErrorKind::UnknownName(suggestion) => write!(f, "unknown value {suggestion}"),
            ProfileErrorKind::UnknownProfile(suggestion) => write!(f, "no profile {suggestion}"),
            ProfileErrorKind::MissingKey(key) => write!(f, "`{key}` is missing"),
            ProfileErrorKind::DuplicateKey(key) => write!(f, "`{key}` is there twice"),
            ProfileErrorKind::WrongType { expected, found } => {
                write!(f, "expected {expected}, found {found}")
            }
            ProfileErrorKind::OutOfRange { expected, found } => {
                write!(f, "expected {expected}, found {found}")
            }
            ProfileErrorKind::Cycle(names) => {
                write!(f, "profiles are based on each other: {}", names.join(" → "))
            }
            ProfileErrorKind::Inconsistent(found) => {
                let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
            ProfileErrorKind::TooMuch { what, limit } => write!(f, "more than {limit} {what}"),
            ProfileErrorKind::UnknownFormat { known } => write!(f, "such files end in {known}"),
            ProfileErrorKind::UnknownRoot(root) => write!(
                f,
                "`{root}` is no root element of DDS-XML, Connext, Fast DDS or Cyclone DDS; known are dds, \
                 qos_library, profiles and CycloneDDS"
            ),
        }
    }
}

impl std::error::Error for ProfileError {}
