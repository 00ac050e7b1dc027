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

/// Of both ends, for two roles that belong together.
pub fn measure(
    namespace: &Namespace,
    stack: &Stack,
    delivery: Delivery,
    roles: [&str; 2],
    payload: usize,
) -> Result<Vec<SystemCalls>, Failure> {
    let few = count(namespace, stack, delivery, roles, payload, SAMPLES[0])?;
    let many = count(namespace, stack, delivery, roles, payload, SAMPLES[1])?;
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
        stack: stack.name.to_owned(),
        delivery: delivery.name().to_owned(),
        role: role.to_owned(),
        payload,
        per_sample: calls.iter().map(|(_, count)| count).sum(),
        calls: calls.into_iter().filter(|(_, count)| *count >= 0.01).collect(),
    };
    Ok(roles.into_iter().zip(few.iter().zip(&many).map(per_sample)).map(of_role).collect())
}

fn count(
    namespace: &Namespace,
    stack: &Stack,
    delivery: Delivery,
    roles: [&str; 2],
    payload: usize,
    samples: u64,
) -> Result<[Counts; 2], Failure> {
    let file = |role: &str| -> PathBuf {
        std::env::temp_dir().join(format!("dds-bench-{}-{role}.strace", std::process::id()))
    };
    let start = |role: &str| {
        let output = file(role);
        let prefix = ["strace", "-f", "-c", "-o", &output.to_string_lossy()];
        let mut command = stack.command(namespace, None, role, delivery, &prefix);
        command.args(["--payload", &payload.to_string(), "--samples", &samples.to_string()]);
        Running::start(&mut command)
    };
    let mut passive = start(roles[1])?;
    let mut active = start(roles[0])?;
    active.expect("matched", PATIENCE)?;
    passive.expect("matched", PATIENCE)?;
    passive.go()?;
    active.go()?;
    active.expect("result", PATIENCE)?;
    passive.finish()?;
    active.finish()?;
    let read = |role: &str| -> Result<Counts, Failure> {
        let text = std::fs::read_to_string(file(role))?;
        std::fs::remove_file(file(role))?;
        Ok(parse(&text))
    };
    Ok([read(roles[0])?, read(roles[1])?])
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
