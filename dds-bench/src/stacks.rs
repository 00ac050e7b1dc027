//! The programs that are compared, built where that is needed.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, namespace::Namespace, options::Delivery, results::root};

/// A stack in one configuration.
#[derive(Clone, Debug)]
pub struct Stack {
    pub name: &'static str,
    program: PathBuf,
    /// For the environment variable CYCLONEDDS_URI.
    cyclone_uri: String,
    /// What is added to it where listeners write.
    writing_in_listeners: &'static str,
    flags: &'static [&'static str],
    pub deliveries: &'static [Delivery],
    /// Payloads that the configuration is meant for.
    payloads: std::ops::RangeInclusive<usize>,
    only_throughput: bool,
    pub medium: Medium,
}

/// What carries the samples between the two processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    Network,
    SharedMemory,
}

/// By UDP, as all others.
pub const OURS: &str = "ours";
/// As it comes: with processes of this host through shared memory.
pub const OURS_SHARED: &str = "ours";
/// The same, with samples that are written where they are read.
pub const OURS_LENT: &str = "ours, loans";
/// What ours are called where figures by UDP and those as it comes stand in one table.
pub const BY_UDP: &str = "ours, by UDP";
pub const AS_IT_COMES: &str = "ours, as it comes (shared memory)";
pub const WITH_LOANS: &str = "ours, as it comes, with loans";
pub const ICEORYX: &str = "iceoryx2 0.10";
/// With which the name of every one of Cyclone's begins.
pub const ANY_CYCLONE: &str = "Cyclone DDS";
pub const CYCLONE: &str = "Cyclone DDS 0.10.2";
pub const FAST_DDS: &str = "Fast DDS 2.9.1";
pub const RUST_DDS: &str = "RustDDS 0.15.1";
pub const DUST_DDS: &str = "Dust DDS 0.16.0";
pub const ZENOH: &str = "zenoh 1.10.2, TCP";
pub const CYCLONE_11: &str = "Cyclone DDS 11.0.1";
pub const CYCLONE_BATCHING: &str = "Cyclone DDS 0.10.2, batching, flushed by hand";
pub const CYCLONE_LARGE: &str = "Cyclone DDS 0.10.2, 65,000-byte fragments";

/// Writing in a listener blocks Cyclone's receiving thread above its high-water mark of 500 kB (at first
/// 30 kB) for ever, as the acknowledgements come in on the same thread.
const MARKS: &str =
    "<Internal><Watermarks><WhcHighInit>16MB</WhcHighInit><WhcHigh>16MB</WhcHigh></Watermarks></Internal>";
const FRAGMENTS: &str =
    "<General><MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize></General>";
/// Beyond its default of 10 participants on a host.
const PARTICIPANTS: &str = "<Discovery><MaxAutoParticipantIndex>100</MaxAutoParticipantIndex></Discovery>";

/// The profile of the workspace by which everything of ours that is measured is built.
const PROFILE: &str = "bench-lto";

impl Stack {
    /// Ours as built now, and Cyclone DDS in its configurations, built here.
    pub fn all() -> Result<Vec<Self>, Failure> {
        let cyclone = build_cyclone()?;
        let base = Self {
            name: OURS,
            program: std::env::current_exe()?,
            cyclone_uri: String::new(),
            writing_in_listeners: "",
            flags: &["--network-only"],
            deliveries: &Delivery::ALL,
            payloads: 0..=usize::MAX,
            only_throughput: false,
            medium: Medium::Network,
        };
        let foreign = Self {
            program: cyclone,
            writing_in_listeners: MARKS,
            deliveries: &Delivery::COMMON,
            flags: &[],
            ..base.clone()
        };
        let newer = build_cyclone_11()?.map(|program| Self {
            name: CYCLONE_11,
            program,
            cyclone_uri: PARTICIPANTS.to_owned(),
            // Its best.
            deliveries: &[Delivery::Listener],
            ..foreign.clone()
        });
        let mut stacks = vec![
            base.clone(),
            Self { name: CYCLONE, cyclone_uri: PARTICIPANTS.to_owned(), ..foreign.clone() },
            Self {
                name: CYCLONE_BATCHING,
                flags: &["--batch"],
                deliveries: &[Delivery::Listener],
                payloads: 0..=1024,
                only_throughput: true,
                ..foreign.clone()
            },
            Self {
                name: CYCLONE_LARGE,
                cyclone_uri: FRAGMENTS.to_owned(),
                deliveries: &[Delivery::Listener],
                payloads: 16_384..=usize::MAX,
                ..foreign
            },
        ];
        stacks.extend(newer);
        stacks.extend(build_fast_dds()?.map(|program| Self {
            name: FAST_DDS,
            program,
            flags: &[],
            deliveries: &[Delivery::Listener],
            // Of 1 MiB, it loses most fragments and exchanges ten samples a second.
            payloads: 0..=16_384,
            ..base.clone()
        }));
        stacks.extend(Self::in_rust(&base));
        stacks.extend(Self::sharing(base, build_iceoryx()?));
        Ok(stacks)
    }

    /// Other projects' stacks in Rust, and zenoh, whose subscriber has a callback, for the throughput.
    fn in_rust(base: &Self) -> Vec<Self> {
        let of = |name, package| {
            let deliveries = &[Delivery::Listener];
            Some(Self { name, program: build_rust(package)?, flags: &[], deliveries, ..base.clone() })
        };
        let smaller = |stack| Self { payloads: 0..=16_384, ..stack };
        let peers = [
            of(RUST_DDS, "rustdds-bench").map(smaller),
            of(DUST_DDS, "dustdds-bench").map(smaller),
            of(ZENOH, "zenoh-bench").map(|stack| Self { only_throughput: true, ..stack }),
        ];
        peers.into_iter().flatten().collect()
    }

    /// Whether the benchmark goes on without it when it fails: some of its cells lie at the edge of what it can.
    pub fn may_fail(&self) -> bool {
        [RUST_DDS, DUST_DDS, ZENOH].contains(&self.name)
    }

    /// Whether no target compares with it, so that fewer runs tell enough.
    pub fn is_far_off(&self) -> bool {
        [FAST_DDS, RUST_DDS, DUST_DDS].contains(&self.name)
    }

    /// Ours as it comes, which is through shared memory here, with loans too, and iceoryx2.
    fn sharing(base: Self, iceoryx: PathBuf) -> [Self; 3] {
        let ours = Self {
            name: OURS_SHARED,
            flags: &[],
            deliveries: &[Delivery::Listener],
            medium: Medium::SharedMemory,
            ..base
        };
        let lent = Self { name: OURS_LENT, flags: &["--loans"], ..ours.clone() };
        let iceoryx =
            Self { name: ICEORYX, program: iceoryx, deliveries: &[Delivery::WaitSet], ..ours.clone() };
        [ours, lent, iceoryx]
    }

    /// Whether it is one of these, by the network.
    pub fn is_any_of(&self, names: &[&str]) -> bool {
        self.medium == Medium::Network && names.contains(&self.name)
    }

    /// Whether the configuration is meant for such a case.
    pub fn takes_part(&self, payload: usize, is_throughput: bool) -> bool {
        self.payloads.contains(&payload) && (is_throughput || !self.only_throughput)
    }

    /// One end.
    pub fn command(
        &self,
        namespace: &Namespace,
        core: Option<usize>,
        role: &str,
        delivery: Delivery,
        prefix: &[&str],
    ) -> Command {
        let mut command = namespace.command(core);
        command.args(prefix).arg(&self.program).arg(role).args(self.flags);
        match delivery {
            Delivery::Listener => drop(command.arg("--listener")),
            Delivery::Blocking => drop(command.arg("--blocking")),
            Delivery::WaitSet => {}
        }
        let mut uri = self.cyclone_uri.clone();
        if delivery == Delivery::Listener && matches!(role, "ping" | "pong") {
            uri.push_str(self.writing_in_listeners);
        }
        if !uri.is_empty() {
            command.env("CYCLONEDDS_URI", uri);
        }
        command
    }
}

/// Where foreign programs are built and kept.
fn cache() -> PathBuf {
    std::env::var_os("DDS_INTEROP_CACHE").map_or_else(|| root().join(".interop"), PathBuf::from)
}

fn build_cyclone() -> Result<PathBuf, Failure> {
    let folder = root().join(".interop/bench");
    std::fs::create_dir_all(&folder)?;
    let sources = root().join("interop-tests/peers/bench").canonicalize()?;
    run(Command::new("idlc").arg(sources.join("bench.idl")).current_dir(&folder))?;
    compile_cyclone(&folder, "bench", &["-lddsc".into()])
}

/// Links the program that idlc's output lies beside, in `folder`.
fn compile_cyclone(folder: &Path, name: &str, library: &[OsString]) -> Result<PathBuf, Failure> {
    let sources = root().join("interop-tests/peers/bench").canonicalize()?;
    let mut compiler = Command::new("gcc");
    compiler.args(["-O2", "-Wall", "-I.", "-o", name]).arg(sources.join("bench.c"));
    run(compiler.arg("bench.c").args(library).arg("-lpthread").current_dir(folder))?;
    Ok(folder.join(name).canonicalize()?)
}

/// The same program with the library of Cyclone DDS 11, which keeps the binary interface of 0.10 as far as the
/// program uses it. Its wheel, a peer of the interoperability tests, has no headers. `None` where that peer
/// is not set up.
fn build_cyclone_11() -> Result<Option<PathBuf>, Failure> {
    let environments = std::fs::read_dir(cache().join("cyclone11/venv/lib")).into_iter().flatten().flatten();
    let libraries = environments
        .map(|environment| environment.path().join("site-packages/cyclonedds.libs"))
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|files| files.flatten().map(|file| file.path()));
    let is_it =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libddsc-"));
    let Some((library, folder)) =
        libraries.filter(is_it).find_map(|path| Some((path.canonicalize().ok()?, path.parent()?.to_owned())))
    else {
        eprintln!("without Cyclone DDS 11: `cargo run -p interop-tests -- setup cyclone11` sets it up");
        return Ok(None);
    };
    let mut run_path = OsString::from("-Wl,-rpath,");
    run_path.push(folder.canonicalize()?);
    compile_cyclone(&root().join(".interop/bench"), "bench-11", &[library.into(), run_path]).map(Some)
}

/// Fast DDS of Debian 12, a peer of the interoperability tests; `None` where it is not installed.
fn build_fast_dds() -> Result<Option<PathBuf>, Failure> {
    if !Path::new("/usr/include/fastdds/dds/domain/DomainParticipant.hpp").exists() {
        eprintln!("without Fast DDS: `cargo run -p interop-tests -- setup fastdds29` sets it up");
        return Ok(None);
    }
    let source = root().join("interop-tests/peers/bench/bench_fastdds.cpp");
    let program = root().join(".interop/bench/bench_fastdds");
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    // It takes a while.
    if changed(&program) <= changed(&source) {
        let mut compiler = Command::new("g++");
        compiler.args(["-std=c++17", "-O2", "-Wall", "-o"]).arg(&program).arg(source);
        run(compiler.args(["-lfastrtps", "-lfastcdr", "-lpthread"]))?;
    }
    Ok(Some(program.canonicalize()?))
}

fn build_iceoryx() -> Result<PathBuf, Failure> {
    build_peer("iceoryx2", "iceoryx2-bench", &root().join(".interop/iceoryx2"))
}

/// An end on another project's stack; `None`, with the reason printed, where it cannot be built. The first build
/// takes minutes.
fn build_rust(package: &str) -> Option<PathBuf> {
    let built = build_peer("rust-bench", package, &cache().join("rust-bench"));
    built.inspect_err(|error| eprintln!("without {package}: {error}")).ok()
}

/// Builds a package of the workspace `interop-tests/peers/<workspace>`.
fn build_peer(workspace: &str, package: &str, folder: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder)?;
    let manifest = root().join("interop-tests/peers").join(workspace).join("Cargo.toml").canonicalize()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "-q", "-p", package, "--manifest-path"]).arg(manifest);
    run(command.arg("--target-dir").arg(folder))?;
    Ok(folder.join("release").join(package).canonicalize()?)
}

/// The example of dds-transport that measures bare UDP, built as this program is.
pub fn build_raw_udp() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--profile", PROFILE, "-q", "-p", "dds-transport", "--example", "raw_udp"]);
    run(command.current_dir(root()))?;
    // target/<profile>/dds-bench
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("."));
    Ok(target.join(PROFILE).join("examples/raw_udp"))
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
