//! `shape_main`, the program with which the vendors of DDS test that their implementations understand each
//! other (<https://github.com/omg-dds/dds-rtps>): `cargo run -p examples --bin shape_main -- -h`.
//!
//! ```text
//! shape_main -P -t Square -c RED -w &
//! shape_main -S -t Square
//! ```

use std::{env, io::Write, process::ExitCode};

use dds_core::condition::GuardCondition;
use examples::shape::{
    self, ShapeError,
    options::{Request, ShapeOptions, usage},
};

/// What a wrong command line ends with.
const WRONG_ARGUMENTS: u8 = 1;

fn main() -> ExitCode {
    let mut arguments = env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_else(|| "shape_main".into());
    let (options, warnings) = match ShapeOptions::parse(arguments) {
        Ok(Request::Help) => {
            say(&usage(&program));
            return ExitCode::SUCCESS;
        }
        Ok(Request::Run(options, warnings)) => (options, warnings),
        Err(error) => {
            say(&format!("{program}: {error}\n{}", usage(&program)));
            return ExitCode::from(WRONG_ARGUMENTS);
        }
    };
    for warning in warnings {
        say(&warning);
    }
    match run(&options) {
        Ok(()) => {
            say("Done.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(options: &ShapeOptions) -> Result<(), ShapeError> {
    let interrupt = GuardCondition::new();
    let handle = interrupt.clone();
    ctrlc::set_handler(move || handle.set_trigger_value(true)).map_err(|error| {
        ShapeError::Initialization(dds_core::error::DdsError::Io {
            operation: "handling SIGINT",
            source: std::io::Error::other(error),
        })
    })?;
    shape::run(options, &interrupt)
}

fn say(text: &str) {
    // Whoever reads it may be gone.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
