//! Command lines as `getopt_long` of the GNU C library reads them.
//!
//! Values stand in an argument of their own, whatever it looks like (`-s -1`), or are attached (`-s-1`,
//! `--domain=3`); short options without values may be joined (`-Sbw`); long names may be abbreviated as long
//! as they are unique; `--` ends the options. Other arguments may stand anywhere and are returned apart.

use std::fmt;

/// One option of a program.
#[derive(Clone, Copy, Debug)]
pub struct OptionRow<F> {
    /// What the program calls it.
    pub flag: F,
    /// Its letter.
    pub short: Option<char>,
    /// Its name, without the dashes.
    pub long: Option<&'static str>,
    /// What its value is called, if it has one.
    pub value: Option<&'static str>,
    /// What it does.
    pub help: &'static str,
}

/// What a command line says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandLine<F> {
    /// The options in their order, with their values; empty for options without one.
    pub options: Vec<(F, String)>,
    /// Everything else.
    pub operands: Vec<String>,
}

/// Why a command line cannot be read; prints what `getopt_long` prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GetoptError {
    /// No option has this letter.
    InvalidShort(char),
    /// No option has this name.
    UnrecognizedLong(String),
    /// Several options have names that begin like this.
    Ambiguous(String, Vec<&'static str>),
    /// The value is missing.
    MissingValue(String),
    /// A value is attached to an option that has none.
    UnexpectedValue(&'static str),
}

impl fmt::Display for GetoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidShort(letter) => write!(f, "invalid option -- '{letter}'"),
            Self::UnrecognizedLong(name) => write!(f, "unrecognized option '--{name}'"),
            Self::Ambiguous(name, candidates) => {
                write!(f, "option '--{name}' is ambiguous; possibilities:")?;
                candidates.iter().try_for_each(|candidate| write!(f, " '--{candidate}'"))
            }
            Self::MissingValue(option) => write!(f, "option requires an argument -- '{option}'"),
            Self::UnexpectedValue(name) => write!(f, "option '--{name}' doesn't allow an argument"),
        }
    }
}

impl std::error::Error for GetoptError {}

/// Reads a command line, without the program's name.
///
/// # Errors
/// The first mistake.
pub fn parse<F: Copy>(
    rows: &[OptionRow<F>],
    arguments: impl IntoIterator<Item = String>,
) -> Result<CommandLine<F>, GetoptError> {
    let mut arguments = arguments.into_iter();
    let mut line = CommandLine { options: Vec::new(), operands: Vec::new() };
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            line.operands.extend(arguments);
            break;
        }
        if let Some(long) = argument.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let row = find_long(rows, name)?;
            let value = match (row.value, attached) {
                (None, None) => String::new(),
                (None, Some(_)) => return Err(GetoptError::UnexpectedValue(row.long.unwrap_or_default())),
                (Some(_), Some(value)) => value,
                (Some(_), None) => arguments
                    .next()
                    .ok_or_else(|| GetoptError::MissingValue(row.long.unwrap_or_default().to_owned()))?,
            };
            line.options.push((row.flag, value));
        } else if let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            parse_letters(rows, letters, &mut arguments, &mut line)?;
        } else {
            line.operands.push(argument);
        }
    }
    Ok(line)
}

fn parse_letters<F: Copy>(
    rows: &[OptionRow<F>],
    letters: &str,
    arguments: &mut impl Iterator<Item = String>,
    line: &mut CommandLine<F>,
) -> Result<(), GetoptError> {
    for (index, letter) in letters.char_indices() {
        let row =
            rows.iter().find(|row| row.short == Some(letter)).ok_or(GetoptError::InvalidShort(letter))?;
        if row.value.is_none() {
            line.options.push((row.flag, String::new()));
            continue;
        }
        let rest = &letters[index + letter.len_utf8()..];
        let value = match rest.is_empty() {
            false => Some(rest.to_owned()),
            true => arguments.next(),
        };
        let value = value.ok_or_else(|| GetoptError::MissingValue(letter.to_string()))?;
        line.options.push((row.flag, value));
        break;
    }
    Ok(())
}

fn find_long<'r, F>(rows: &'r [OptionRow<F>], name: &str) -> Result<&'r OptionRow<F>, GetoptError> {
    if let Some(exact) = rows.iter().find(|row| row.long == Some(name)) {
        return Ok(exact);
    }
    let begins = |row: &&OptionRow<F>| row.long.is_some_and(|long| long.starts_with(name));
    let candidates: Vec<_> = rows.iter().filter(begins).collect();
    match candidates[..] {
        [] => Err(GetoptError::UnrecognizedLong(name.to_owned())),
        [only] => Ok(only),
        _ => {
            let names = candidates.iter().filter_map(|row| row.long).collect();
            Err(GetoptError::Ambiguous(name.to_owned(), names))
        }
    }
}

/// The rows as text, one option a line.
pub fn describe<F>(rows: &[OptionRow<F>]) -> String {
    let names = |row: &OptionRow<F>| {
        let short = row.short.map(|letter| format!("-{letter}"));
        let long = row.long.map(|name| format!("--{name}"));
        let names: Vec<_> = short.into_iter().chain(long).collect();
        let value = row.value.map_or(String::new(), |value| format!(" <{value}>"));
        format!("{}{value}", names.join(", "))
    };
    let width = rows.iter().map(|row| names(row).len()).max().unwrap_or(0);
    rows.iter().map(|row| format!("   {:<width$}  {}\n", names(row), row.help)).collect()
}
