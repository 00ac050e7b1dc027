//! System calls per sample, counted by strace. Its times mean nothing, hence counts only.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    Failure,
    child::{PATIENCE, Running},
    namespace::Namespace,
    options::Delivery,
    results::SystemCalls,
    stacks::Stack,
};

type Counts = BTreeMap<String, u64>;

/// A first and a second number of samples: what differs is theirs, starting and ending cancel out.
const SAMPLES: [u64; 2] = [1_000, 5_000];

/// Ends whose system calls are counted.
pub struct Traced<'a> {
    pub namespace: &'a Namespace,
    pub stack: &'a Stack,
    pub delivery: Delivery,
    pub payload: usize,
    /// How many of the passive role there are.
    pub passive: usize,
    /// Between two samples.
    pub pace_us: Option<u64>,
}

impl Traced<'_> {
    /// Of both ends, for an active and a passive role that belong together.
    pub fn measure(&self, roles: [&str; 2]) -> Result<Vec<SystemCalls>, Failure> {
        let few = self.count(roles, SAMPLES[0])?;
        let many = self.count(roles, SAMPLES[1])?;
        let samples = (SAMPLES[1] - SAMPLES[0]) as f64;
        let per_sample = |(few, many): (&Counts, &Counts)| {
            let more = |(name, count): (&String, &u64)| {
                let before = few.get(name).copied().unwrap_or(0);
                (name.clone(), count.saturating_sub(before) as f64 / samples)
            };
            let mut calls: Vec<(String, f64)> = many.iter().map(more).collect();
            calls.sort_by(|a, b| b.1.total_cmp(&a.1));
            calls
        };
        let of_role = |(role, calls): (&str, Vec<(String, f64)>)| SystemCalls {
            stack: self.stack.name.to_owned(),
            delivery: self.delivery.name().to_owned(),
            role: role.to_owned(),
            payload: self.payload,
            per_sample: calls.iter().map(|(_, count)| count).sum(),
            calls: calls.into_iter().filter(|(_, count)| *count >= 0.01).collect(),
        };
        Ok(roles.into_iter().zip(few.iter().zip(&many).map(per_sample)).map(of_role).collect())
    }

    /// Counts of the active end and of the first passive one.
    fn count(&self, roles: [&str; 2], samples: u64) -> Result<[Counts; 2], Failure> {
        let file = |role: &str| -> PathBuf {
            std::env::temp_dir().join(format!("dds-bench-{}-{role}.strace", std::process::id()))
        };
        let start = |role: &str, peers: usize, is_traced: bool| {
            let output = file(role);
            let output = output.to_string_lossy();
            let prefix: &[&str] = if is_traced { &["strace", "-f", "-c", "-o", &output] } else { &[] };
            let mut command = self.stack.command(self.namespace, None, role, self.delivery, prefix);
            command.args(["--payload", &self.payload.to_string(), "--samples", &samples.to_string()]);
            if peers > 1 {
                command.args(["--peers", &peers.to_string()]);
            }
            if let Some(pace) = self.pace_us {
                command.args(["--pace-us", &pace.to_string()]);
            }
            Running::start(&mut command)
        };
        let passive = (0..self.passive).map(|index| start(roles[1], 1, index == 0));
        let mut passive = passive.collect::<Result<Vec<_>, _>>()?;
        let mut active = start(roles[0], self.passive, true)?;
        active.expect("matched", PATIENCE)?;
        for end in &mut passive {
            end.expect("matched", PATIENCE)?;
            end.go()?;
        }
        active.go()?;
        active.expect("result", PATIENCE)?;
        passive.into_iter().try_for_each(Running::finish)?;
        active.finish()?;
        let read = |role: &str| -> Result<Counts, Failure> {
            let text = std::fs::read_to_string(file(role))?;
            std::fs::remove_file(file(role))?;
            Ok(parse(&text))
        };
        Ok([read(roles[0])?, read(roles[1])?])
    }
}

/// Lines of `% time, seconds, usecs/call, calls, [errors,] syscall`.
fn parse(text: &str) -> Counts {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.first()?.parse::<f64>().ok()?;
        let name = fields.last().filter(|name| **name != "total")?;
        Some(((*name).to_owned(), fields.get(3)?.parse().ok()?))
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_are_in_the_fourth_column() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n \
                    60.00    0.000600           6       100         7 recvmsg\n \
                    40.00    0.000400           4       50           sendmsg\n\
                    ------ ----------- ----------- --------- --------- ----------------\n\
                    100.00    0.001000           6       150         7 total\n";
        let counts = super::parse(text);
        assert_eq!(counts.get("recvmsg"), Some(&100));
        assert_eq!(counts.get("sendmsg"), Some(&50));
        assert_eq!(counts.len(), 2);
    }
}
