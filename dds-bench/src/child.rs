//! The programs under measurement: started, talked to by lines, watched through /proc.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::Failure;

/// A running end. Killed on drop, so that a failure leaves nothing behind.
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// How long an end may take to match, or to finish beyond its measuring time.
pub const PATIENCE: Duration = Duration::from_secs(20);

impl Running {
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no standard output")?;
        let (sender, lines) = channel();
        // Ends with the child's output.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, lines })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that tells of `event`.
    pub fn expect(&self, event: &str, patience: Duration) -> Result<Value, Failure> {
        loop {
            let line = self.lines.recv_timeout(patience).map_err(|error| format!("no «{event}»: {error}"))?;
            let value: Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
            if value.get("event").and_then(Value::as_str) == Some(event) {
                return Ok(value);
            }
        }
    }

    /// Lets it begin its work.
    pub fn go(&mut self) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("its input is closed")?;
        input.write_all(b"go\n")?;
        Ok(input.flush()?)
    }

    /// Tells it that nothing more is wanted.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Ends it and waits until it has ended.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.close_input();
        let deadline = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err("an end does not end".into())
    }

    /// What the system knows about it.
    pub fn usage(&self) -> Result<Usage, Failure> {
        Usage::of(self.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // By its id, which is ours until it was waited for.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// What a process has used.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Processor time of each thread, in nanoseconds.
    threads: BTreeMap<u32, u64>,
    pub resident_kib: u64,
}

impl Usage {
    pub fn of(id: u32) -> Result<Self, Failure> {
        let process = PathBuf::from(format!("/proc/{id}"));
        let mut threads = BTreeMap::new();
        for entry in std::fs::read_dir(process.join("task"))?.flatten() {
            let Ok(thread) = entry.file_name().to_string_lossy().parse() else { continue };
            // A thread may end meanwhile.
            if let Some(spent) = processor_time(&entry.path()) {
                threads.insert(thread, spent);
            }
        }
        let status = std::fs::read_to_string(process.join("status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        Ok(Self { threads, resident_kib: resident.unwrap_or(0) })
    }

    pub fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// Processor time since `before`, in nanoseconds.
    pub fn since(&self, before: &Self) -> u64 {
        let spent = |(thread, now): (&u32, &u64)| {
            now.saturating_sub(before.threads.get(thread).copied().unwrap_or(0))
        };
        self.threads.iter().map(spent).sum()
    }
}

/// The first figure of `schedstat`: time on a processor, in nanoseconds.
fn processor_time(task: &Path) -> Option<u64> {
    std::fs::read_to_string(task.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
}

/// An unsigned field of a line.
pub fn number(line: &Value, field: &str) -> Result<u64, Failure> {
    line.get(field).and_then(Value::as_u64).ok_or_else(|| format!("no {field} in {line}").into())
}
