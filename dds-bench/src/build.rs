//! How long the library takes to build, and how large a program with it is.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    results::{load, root},
};

/// One clean build for release, as users build it.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Build {
    pub processors: usize,
    /// One-minute load of the machine before it.
    pub load: f64,
    /// Of the library with all it depends on, from nothing.
    pub library_seconds: f64,
    /// Processor time of that.
    pub library_processor_seconds: f64,
    /// Of the example `hello`, stripped.
    pub hello_bytes: u64,
}

fn path() -> PathBuf {
    root().join("dds-bench/results/build.json")
}

/// What was measured last.
pub fn read() -> Option<Build> {
    serde_json::from_slice(&std::fs::read(path()).ok()?).ok()
}

/// Builds into a folder of its own, which is removed afterwards, and records what came of it.
pub fn run() -> Result<(), Failure> {
    let folder = root().join(".interop/build");
    drop(std::fs::remove_dir_all(&folder));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = |arguments: &[&str]| -> Result<(), Failure> {
        let mut command = Command::new(&cargo);
        command.args(["build", "--release", "-q"]).args(arguments).arg("--target-dir").arg(&folder);
        let status = command.current_dir(root()).status()?;
        if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
    };
    let load = load();
    let (started, before) = (Instant::now(), processor_time()?);
    build(&["-p", "dds-core"])?;
    let (library, spent) = (started.elapsed(), processor_time()? - before);
    build(&["-p", "examples", "--bin", "hello"])?;
    let stripped = folder.join("hello");
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(folder.join("release/hello")).status()?;
    if !status.success() {
        return Err(format!("strip: {status}").into());
    }
    let build = Build {
        processors: std::thread::available_parallelism()?.get(),
        load,
        library_seconds: library.as_secs_f64(),
        library_processor_seconds: spent.as_secs_f64(),
        hello_bytes: std::fs::metadata(&stripped)?.len(),
    };
    println!("{build:#?}");
    std::fs::write(path(), serde_json::to_string_pretty(&build)? + "\n")?;
    Ok(std::fs::remove_dir_all(&folder)?)
}

/// Of this process's children that have ended, theirs included.
fn processor_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // proc(5): after the name in parentheses, cutime and cstime are the fourteenth and fifteenth fields, in
    // hundredths of a second.
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat has no name")?;
    let ticks =
        fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    Ok(Duration::from_millis(ticks * 10))
}
