//! Runs the programs of this crate and reads what they print.

// Each test uses a part.
#![allow(dead_code)]

pub mod shape;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// What the vendors' test suite allows for each line.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// A program that runs; killed when it is dropped before its end.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Every line read so far.
    pub seen: Vec<String>,
    stderr: Option<ChildStderr>,
}

impl Program {
    pub fn start(path: &str, arguments: &[&str]) -> Self {
        Self::start_command(Command::new(path).args(arguments))
    }

    pub fn start_command(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        // Ends with the program's output.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = child.stderr.take();
        Self { child, lines, seen: Vec::new(), stderr }
    }

    /// The next line that `accepts` accepts.
    pub fn expect(&mut self, what: &str, accepts: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if accepts(&line) {
                        return line;
                    }
                }
                Err(error) => panic!("{error} while waiting for {what}; so far:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// The next line that contains `text`.
    pub fn expect_text(&mut self, text: &str) -> String {
        self.expect(text, |line| line.contains(text))
    }

    /// As Ctrl-C in a terminal.
    pub fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Reads to the end of its output, and returns all of it, how the program ended, and its errors.
    pub fn finish(mut self) -> (String, ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the program does not end; so far:\n{}", self.seen.join("\n"))
                }
            }
        }
        let status = self.child.wait().unwrap();
        let mut errors = String::new();
        self.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.seen.join("\n"), status, errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has mostly ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its successful end and returns what it printed.
pub fn run(path: &str, arguments: &[&str]) -> String {
    let (output, status, errors) = Program::start(path, arguments).finish();
    assert!(status.success(), "{path} ended with {status}:\n{output}\n{errors}");
    output
}
