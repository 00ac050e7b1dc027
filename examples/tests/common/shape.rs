//! What the tests of `shape_main` share: its processes, and the lines it prints.

use super::Program;

/// Starts `shape_main` on loopback.
pub fn start(domain: &str, topic: &str, options: &str) -> Program {
    let mut arguments: Vec<&str> = options.split_whitespace().collect();
    arguments.extend(["-d", domain, "--loopback-only", "-t", topic]);
    Program::start(env!("CARGO_BIN_EXE_shape_main"), &arguments)
}

/// A topic that no other run uses; short, so that columns stay as they are.
pub fn topic(name: &str) -> String {
    format!("{name}{}", std::process::id() % 10_000)
}

/// Types Ctrl-C and returns everything that was printed up to the orderly end.
pub fn end(program: Program) -> String {
    program.interrupt();
    let (output, status, errors) = program.finish();
    assert!(status.success(), "{status}\n{output}\n{errors}");
    assert!(output.ends_with("Done."), "{output}");
    output
}

/// A line that tells of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub topic: String,
    pub color: String,
    pub x: i32,
    pub y: i32,
    pub size: i32,
}

/// The sample that a line tells of, if it does and is as agreed.
pub fn sample(line: &str) -> Option<Sample> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [topic, color, x, y, size] = words[..] else { return None };
    let coordinate = |word: &str| (word.len() == 3).then(|| word.parse().ok())?;
    let size = size.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    Some(Sample { topic: topic.into(), color: color.into(), x: coordinate(x)?, y: coordinate(y)?, size })
}

impl Program {
    /// The next sample.
    pub fn sample(&mut self) -> Sample {
        self.sample_where("a sample", |_| true)
    }

    /// The next sample that `accepts` accepts.
    pub fn sample_where(&mut self, what: &str, accepts: impl Fn(&Sample) -> bool) -> Sample {
        let line = self.expect(what, |line| sample(line).is_some_and(|sample| accepts(&sample)));
        sample(&line).unwrap()
    }

    /// Every sample seen so far.
    pub fn samples(&self) -> Vec<Sample> {
        self.seen.iter().filter_map(|line| sample(line)).collect()
    }
}
