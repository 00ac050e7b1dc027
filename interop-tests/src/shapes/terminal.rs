//! A program on a pseudo-terminal of its own, read line by line and interrupted with Ctrl-C, as the vendors' testers
//! do it.

use crate::failure::Failure;
use crate::namespace::Namespace;
use crate::watched::Watched;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a tester waits for each line.
pub const PATIENCE: Duration = Duration::from_secs(15);

const CONTROL_C: u8 = 0x03;

/// A line and when it was read.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it was read.
    pub at: Instant,
    /// Without its end.
    pub text: String,
}

#[derive(Debug, Default)]
struct Output {
    lines: Vec<Line>,
    ended: bool,
}

/// How a program is started.
#[derive(Debug)]
pub struct Command<'a> {
    /// Name and role, for messages.
    pub label: String,
    /// The executable.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables it needs.
    pub environment: Vec<(&'static str, String)>,
}

/// A running program. Dropping it kills the process and waits for it.
#[derive(Debug)]
pub struct Terminal {
    label: String,
    command_line: String,
    child: Child,
    master: File,
    output: Arc<Watched<Output>>,
    /// How many lines have been read by `expect`.
    cursor: usize,
}

impl Terminal {
    /// Starts a program inside `namespace`, as the leader of a session whose terminal is ours to read.
    pub fn start(namespace: &Namespace, start: &Command<'_>) -> Result<Self, Failure> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).map_err(std::io::Error::from)?;
        grantpt(&master).map_err(std::io::Error::from)?;
        unlockpt(&master).map_err(std::io::Error::from)?;
        let slave = ioctl_tiocgptpeer(&master, flags).map_err(std::io::Error::from)?;
        let mut command = namespace.command(Path::new("setsid"));
        command.arg("--ctty").arg(start.program).args(&start.arguments);
        command.envs(start.environment.iter().cloned());
        command.stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?));
        command.stderr(Stdio::from(slave));
        let child = command.spawn().map_err(|error| Failure::Harness(format!("{}: {error}", start.label)))?;
        // The terminal ends with the last of its other side's descriptors, and the command holds three.
        drop(command);
        let master = File::from(master);
        let output = Arc::<Watched<Output>>::default();
        read_lines(master.try_clone()?, Arc::clone(&output));
        let command_line = format!("{} {}", start.label, start.arguments.join(" "));
        Ok(Terminal { label: start.label.clone(), command_line, child, master, output, cursor: 0 })
    }

    /// Name and role, for messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The next line for which `find` yields something, within [`PATIENCE`].
    pub fn expect<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        self.expect_within(what, PATIENCE, find)
    }

    /// Any line, read before or not, that contains `text`; what is next to be read stays so.
    pub fn seen(&mut self, text: &str) -> Result<String, Failure> {
        let next = std::mem::take(&mut self.cursor);
        let found = self.expect_text(text);
        self.cursor = next;
        found
    }

    /// The next line that contains `text`.
    pub fn expect_text(&mut self, text: &str) -> Result<String, Failure> {
        self.expect(text, |line| line.contains(text).then(|| line.to_owned()))
    }

    /// The next line for which `find` yields something, within `limit`.
    pub fn expect_within<T>(
        &mut self,
        what: &str,
        limit: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        let (label, cursor) = (&self.label, &mut self.cursor);
        let found = self.output.wait_for(limit, |output| {
            while let Some(line) = output.lines.get(*cursor) {
                *cursor += 1;
                if line.text.contains("not supported") {
                    return Some(Err(Failure::NotSupported(format!("{label}: {}", line.text))));
                }
                if let Some(found) = find(&line.text) {
                    return Some(Ok(found));
                }
            }
            output.ended.then(|| Err(Failure::Peer(format!("{label} ended while waiting for {what}"))))
        });
        let late = || Failure::Timeout(format!("{label}: {what} within {:.1} s", limit.as_secs_f64()));
        found.unwrap_or_else(|| Err(late()))
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<Line> {
        self.output.lock().lines.clone()
    }

    /// Types Ctrl-C.
    pub fn interrupt(&mut self) -> Result<(), Failure> {
        Ok(self.master.write_all(&[CONTROL_C])?)
    }

    /// Waits for the program to end by itself, and for the rest of what it prints.
    pub fn finish(&mut self) -> Result<ExitStatus, Failure> {
        let ended = self.output.wait_for(PATIENCE, |output| output.ended.then_some(()));
        ended.ok_or_else(|| Failure::Timeout(format!("{}: its end", self.label)))?;
        Ok(self.child.wait()?)
    }

    /// What it was started with and everything it printed.
    pub fn log(&self) -> String {
        let mut text = format!("--- {}\n", self.command_line);
        for line in &self.output.lock().lines {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(master: File, output: Arc<Watched<Output>>) {
    std::thread::spawn(move || {
        // Reading fails when the other side is closed: that is the end.
        for line in BufReader::new(master).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            output.change(|output| output.lines.push(Line { at: Instant::now(), text }));
        }
        output.change(|output| output.ended = true);
    });
}
