//! The command line of the examples that take a domain and nothing else.

use std::{env, ffi::OsString, process};

/// What a wrong command line ends with.
pub const WRONG_ARGUMENTS: u8 = 2;

/// The domain that the only argument names, 0 if there is none; ends the program if there is anything else.
pub fn domain(program: &str) -> u32 {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    parse_domain(&arguments).unwrap_or_else(|error| {
        eprintln!("{program}: {error}\nusage: {program} [domain]");
        process::exit(WRONG_ARGUMENTS.into());
    })
}

/// The domain of these arguments.
///
/// # Errors
/// What is wrong with them.
pub fn parse_domain(arguments: &[OsString]) -> Result<u32, String> {
    match arguments {
        [] => Ok(0),
        [domain] => {
            let domain = domain.to_string_lossy();
            domain.parse().map_err(|_| format!("a domain is a number, from 0 on: {domain}"))
        }
        [_, other, ..] => Err(format!("one argument is enough: {}", other.to_string_lossy())),
    }
}
