//! Content filters across stacks: what passes arrives, and where the writer evaluates its readers' filters nothing else
//! travels.

use crate::capture::{self, Capture};
use crate::failure::Failure;
use crate::paths;
use crate::session::{ARRIVE, Bench, Options};
use serde_json::Value;

/// Rounds that are written, the last of which passes: what should not have come would have come before it.
const ROUNDS: usize = 40;

/// A filter, and what it means.
struct Filter {
    options: Options,
    expression: &'static str,
    passes: fn(&Value) -> bool,
}

/// Of the shapes one instance in three; of the strings of ROS 2 eleven in forty. Dust DDS has `=` and `<=` only.
fn filter(bench: &Bench) -> Filter {
    match bench.shape() {
        Some(options) => Filter {
            options: options.publisher("--instances", 3),
            expression: "color = 'BLUE1'",
            passes: |value| value["color"] == "BLUE1",
        },
        None => Filter {
            options: bench.plain(),
            expression: "data LIKE 'Hello World: 3%'",
            passes: |value| value["data"].as_str().is_some_and(|text| text.starts_with("Hello World: 3")),
        },
    }
}

/// The scenario.
pub fn content_filter(bench: &Bench) -> Result<String, Failure> {
    let Filter { options, expression, passes } = filter(bench);
    let mut session = bench.start_both(&options.both("--filter", expression).publisher("--period-ms", 2))?;
    let file = paths::artifacts()
        .join(format!("content_filter-{}-to-{}-data.pcap", bench.publisher.name, bench.subscriber.name));
    let capture = Capture::start(bench.topology.publisher(), file)?;
    session.write(ROUNDS)?;
    let passed = session.expect_passing("color", passes, ARRIVE)?;
    let written = session.expected().len();
    let file = capture.stop()?;
    session.leave()?;
    let sent = capture::user_data(&file)?;
    let at_writer =
        bench.publisher.abilities.evaluates_filters && bench.subscriber.abilities.announces_filters;
    // A sample may travel twice: a reader asks for what was on its way.
    let as_told = if at_writer { (passed..2 * passed).contains(&sent) } else { sent >= written };
    if !as_told {
        let whose = if at_writer { "the writer filters" } else { "the reader filters" };
        return Err(Failure::Mismatch(format!(
            "{sent} DATA for {written} samples of which {passed} pass, where {whose}"
        )));
    }
    // Captures of what went well are many.
    let _ = std::fs::remove_file(&file);
    Ok(format!("{passed} of {written} samples pass, {sent} DATA"))
}
