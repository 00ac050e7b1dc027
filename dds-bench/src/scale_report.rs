//! The part of `docs/performance.md` that tells what a sample costs beside many other things.

use std::fmt::Write;

use crate::results::{FanOut, Results, Scaling};

/// Nothing where it was not measured.
pub fn render(results: &Results, out: &mut String) -> std::fmt::Result {
    if results.scale.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Scale\n\nOne sample of 64 B at a time, written, delivered and taken over two engines without sockets, beside \
         so many of one thing: `instances` that were written and are written again in an order that jumps, `depth` of \
         KEEP_LAST with both histories full of untaken samples, `endpoints` of other topics, half of them in each \
         participant, `readers` of the topic in the other participant, each of which takes, and `writers` of the topic, \
         which write in turn. Instructions by callgrind repeat; times, which hold what misses the processor's caches, \
         do so less. Ratios are to the first row of each. Memory is what all of it takes at both ends.\n\n\
         | | | instructions | ratio | ns | ratio | datagrams | memory, KiB | bytes for each |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    let mut first: Option<&Scaling> = None;
    for row in &results.scale {
        let base = match first {
            Some(base) if base.what == row.what => base,
            _ => row,
        };
        first = Some(base);
        let ratio = |is: u64, was: u64| format!("{:.2}", is as f64 / was.max(1) as f64);
        let nanoseconds = |row: &Scaling| row.write_ns + row.deliver_ns + row.take_ns;
        let instructions = row.instructions.zip(base.instructions);
        // Of few, what is there in any case is the greater part.
        let each = (row.count >= 100).then(|| row.resident_kib * 1024 / row.count as u64);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.what,
            row.count,
            row.instructions.map_or(String::new(), |count| count.to_string()),
            instructions.map_or(String::new(), |(is, was)| ratio(is, was)),
            nanoseconds(row),
            ratio(nanoseconds(row), nanoseconds(base)),
            row.datagrams,
            row.resident_kib,
            each.map_or(String::new(), |bytes| bytes.to_string()),
        )?;
    }
    writeln!(
        out,
        "\nA write takes, in ns, to one reader {}: a sample is serialised once, and its datagram is built once.\n",
        reader_writes(&results.scale)
    )?;
    fan_out(&results.fan_out, out)
}

/// What a write takes by the number of readers.
fn reader_writes(rows: &[Scaling]) -> String {
    let writes = rows.iter().filter(|row| row.what == "readers");
    let writes: Vec<String> = writes
        .enumerate()
        .map(|(index, row)| match index {
            0 => format!("{}", row.write_ns),
            _ => format!("to {} {}", row.count, row.write_ns),
        })
        .collect();
    writes.join(", ")
}

fn fan_out(rows: &[FanOut], out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "Processes of one host, samples of 64 B, RELIABLE, KEEP_ALL, with listeners, not bound to a core; by UDP a \
         group serves two readers or more. Flat out, \
         then by strace the writer's system calls for each sample where samples are 300 µs apart (without its own \
         sleep):\n\n\
         | | writers | readers | thousand samples a second at each reader | the writers' processor time, µs a sample | lost | system calls a sample |\n\
         |---|---:|---:|---:|---:|---:|---|"
    )?;
    for row in rows {
        let calls = row.calls.iter().filter(|(name, _)| name != "clock_nanosleep").take(3);
        let calls: Vec<String> = calls.map(|(name, count)| format!("{name} {count:.2}")).collect();
        writeln!(
            out,
            "| {} | {} | {} | {:.1} | {:.2} | {} | {} |",
            row.stack,
            row.writers,
            row.readers,
            row.samples_per_second / 1e3,
            row.processor_us_per_sample,
            row.lost,
            calls.join(", ")
        )?;
    }
    writeln!(out)
}
