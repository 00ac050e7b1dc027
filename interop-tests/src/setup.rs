//! Builds the peers' environments into the cache folder: pinned versions, idempotent by a stamp of everything that
//! goes in.

use crate::failure::Failure;
use crate::paths;
use crate::peer::Peer;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Installs the harness's own tools and builds every peer named (all, if none is); `shapes` names every `shape_main`.
pub fn setup(names: &[String]) -> Result<(), Failure> {
    install("harness")?;
    for peer in Peer::foreign() {
        if !names.is_empty() && !names.iter().any(|name| name == peer.name) {
            continue;
        }
        let started = Instant::now();
        let built = build(peer)?;
        report(peer.name, built, started);
    }
    for (of, name, recipe) in SHAPE_PROGRAMS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == of || wanted == "shapes") {
            continue;
        }
        let Some(peer) = Peer::named(of) else { continue };
        let started = Instant::now();
        // What its stack consists of comes with the peer.
        build(peer)?;
        let built = build_in(&paths::cache().join(name), (name, peer.version), recipe, "shape_main")?;
        report(name, built, started);
    }
    Ok(())
}

fn report(name: &str, built: bool, started: Instant) {
    let state = if built { "built" } else { "up to date" };
    println!("{name:<16} {state} in {:.1} s", started.elapsed().as_secs_f64());
}

/// Foreign `shape_main` programs that are built: the peer whose stack each is of, its folder in the cache, its recipe.
const SHAPE_PROGRAMS: &[(&str, &str, Recipe)] = &[
    (
        "cyclone010",
        "shapes-cyclone010",
        Recipe {
            inputs: &["pins/apt.txt", "peers/idl", "peers/shapes/common", "peers/shapes/cyclone010"],
            build: cyclone010_shapes,
        },
    ),
    ("fastdds29", "shapes-fastdds29", Recipe { inputs: FASTDDS_SHAPES, build: fastdds29_shapes }),
    ("fastdds3", "shapes-fastdds3", Recipe { inputs: FASTDDS_SHAPES, build: fastdds3_shapes }),
];

const FASTDDS_SHAPES: &[&str] = &[
    "pins/apt.txt",
    "pins/ros2.txt",
    "peers/idl",
    "peers/fastdds/types_2.hpp",
    "peers/fastdds/types_3.hpp",
    "peers/fastdds/types_object_3.hpp",
    "peers/shapes/common",
    "peers/shapes/fastdds",
];

/// What goes into a peer: recipe, source files and pins.
struct Recipe {
    inputs: &'static [&'static str],
    build: fn(&Path) -> Result<(), Failure>,
}

fn recipe(peer: &Peer) -> Option<Recipe> {
    Some(match peer.name {
        "cyclone010" => Recipe {
            inputs: &["pins/apt.txt", "peers/idl", "peers/common/peer_common.h", "peers/cyclone010"],
            build: cyclone010,
        },
        // The scripts run from the source tree; only the environment is built.
        "cyclone11" => {
            Recipe { inputs: &["pins/cyclone11.txt"], build: |at| environment(at, "cyclone11.txt") }
        }
        "ros2" => Recipe { inputs: &["pins/ros2.txt"], build: |at| environment(at, "ros2.txt") },
        "fastdds29" => Recipe {
            inputs: &["pins/apt.txt", "peers/idl", "peers/common/peer_common.h", "peers/fastdds"],
            build: fastdds29,
        },
        "fastdds3" => Recipe {
            inputs: &["pins/ros2.txt", "peers/common/peer_common.h", "peers/fastdds"],
            build: fastdds3,
        },
        "rustdds" | "dustdds" => Recipe { inputs: &["peers/rust"], build: rust },
        _ => return None,
    })
}

fn build(peer: &Peer) -> Result<bool, Failure> {
    let Some(recipe) = recipe(peer) else {
        return Err(Failure::Harness(format!("no recipe for {}", peer.name)));
    };
    install(peer.name)?;
    let program = peer.launch().program;
    build_in(&peer.folder(), (peer.name, peer.version), &recipe, program)
}

/// Builds what is not there: whether it had to.
fn build_in(
    folder: &Path,
    identity: (&str, &str),
    recipe: &Recipe,
    program: impl AsRef<Path>,
) -> Result<bool, Failure> {
    let stamp = stamp(identity, recipe.inputs)?;
    let stamp_file = folder.join("stamp");
    if std::fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) && folder.join(program).exists() {
        return Ok(false);
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    (recipe.build)(folder)?;
    std::fs::write(stamp_file, stamp)?;
    Ok(true)
}

fn cyclone010(folder: &Path) -> Result<(), Failure> {
    with_cyclone010(folder, "peer", "cyclone010/peer.c")
}

fn cyclone010_shapes(folder: &Path) -> Result<(), Failure> {
    with_cyclone010(folder, "shape_main", "shapes/cyclone010/shape_main.c")
}

fn with_cyclone010(folder: &Path, program: &str, source: &str) -> Result<(), Failure> {
    let peers = paths::package().join("peers");
    run(Command::new("idlc").arg(peers.join("idl/interop.idl")).current_dir(folder))?;
    let mut compiler = Command::new("nice");
    compiler.args(["gcc", "-O1", "-Wall", "-I.", "-o", program]).arg(peers.join(source));
    run(compiler.args(["interop.c", "-lddsc", "-lpthread"]).current_dir(folder))
}

fn fastdds29(folder: &Path) -> Result<(), Failure> {
    with_fastdds29(folder, "peer", "fastdds/peer.cpp")
}

fn fastdds29_shapes(folder: &Path) -> Result<(), Failure> {
    with_fastdds29(folder, "shape_main", "shapes/fastdds/shape_main.cpp")
}

/// With the TypeObjects, which content filters need.
fn with_fastdds29(folder: &Path, program: &str, source: &str) -> Result<(), Failure> {
    let peers = paths::package().join("peers");
    // The generator writes beside its input.
    std::fs::copy(peers.join("idl/interop.idl"), folder.join("interop.idl"))?;
    run(Command::new("fastddsgen").args(["-typeobject", "-replace", "interop.idl"]).current_dir(folder))?;
    let mut compiler = Command::new("nice");
    compiler.args(["g++", "-std=c++17", "-O1", "-I.", "-o", program]).arg(peers.join(source));
    compiler.args(["interop.cxx", "interopPubSubTypes.cxx", "interopTypeObject.cxx"]);
    run(compiler.args(["-lfastrtps", "-lfastcdr", "-lpthread"]).current_dir(folder))
}

fn fastdds3(folder: &Path) -> Result<(), Failure> {
    with_fastdds3(folder, "peer", "fastdds/peer.cpp")
}

fn fastdds3_shapes(folder: &Path) -> Result<(), Failure> {
    with_fastdds3(folder, "shape_main", "shapes/fastdds/shape_main.cpp")
}

/// Against the headers and libraries in the wheels of ROS 2's environment, which is built first.
fn with_fastdds3(folder: &Path, program: &str, source: &str) -> Result<(), Failure> {
    if let Some(ros2) = Peer::named("ros2") {
        build(ros2)?;
    }
    let peers = paths::package().join("peers");
    let mut compiler = Command::new("nice");
    compiler.args(["g++", "-std=c++17", "-O1", "-DFASTDDS_3", "-I../ros2/venv/include", "-o", program]);
    compiler.arg(peers.join(source));
    compiler.args([
        "-L../ros2/venv/lib",
        "-lfastdds",
        "-lfastcdr",
        "-lpthread",
        "-Wl,--allow-shlib-undefined",
    ]);
    // The old kind of run path, because the libraries' own dependencies are looked up by it too.
    compiler.args(["-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/../ros2/venv/lib"]);
    compiler.arg("-Wl,-rpath,$ORIGIN/../ros2/venv/lib/python3.11/site-packages/ros_fastdds.libs");
    run(compiler.current_dir(folder))
}

fn environment(folder: &Path, pins: &str) -> Result<(), Failure> {
    // The system's own interpreter, whatever else is on the path.
    run(Command::new("/usr/bin/python3").args(["-m", "venv", "venv"]).current_dir(folder))?;
    let mut pip = Command::new("venv/bin/python");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"]);
    run(pip.arg(paths::package().join("pins").join(pins)).current_dir(folder))
}

fn rust(folder: &Path) -> Result<(), Failure> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let target = paths::cache().join("rust-target");
    let mut cargo = Command::new("nice");
    cargo
        .args(["cargo", "build", "--release", "--locked", "--quiet", "--package"])
        .arg(format!("{name}-peer"));
    run(cargo.env("CARGO_TARGET_DIR", &target).current_dir(paths::package().join("peers/rust")))?;
    std::fs::copy(target.join(format!("release/{name}-peer")), folder.join("peer"))?;
    Ok(())
}

/// Installs the group's packages at their pinned versions, if they are not there.
fn install(group: &str) -> Result<(), Failure> {
    let pins = std::fs::read_to_string(paths::package().join("pins/apt.txt"))?;
    let mut missing = Vec::new();
    for line in pins.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if let (Some(of), Some(package), Some(version)) = (words.next(), words.next(), words.next())
            && of == group
            && !is_installed(package, version)?
        {
            missing.push(format!("{package}={version}"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing {}", missing.join(" "));
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "-qq", "--no-install-recommends", "--allow-downgrades"]).args(&missing);
    run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_installed(package: &str, version: &str) -> Result<bool, Failure> {
    if package == "default-jre-headless"
        && Command::new("java").arg("-version").output().is_ok_and(|o| o.status.success())
    {
        // Any Java runs the generator; a machine may have one of another package.
        return Ok(true);
    }
    let output =
        Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status} ${Version}", package]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout) == format!("installed {version}"))
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Harness(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(Failure::Harness(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&text))))
}

fn stamp(identity: (&str, &str), inputs: &[&str]) -> Result<String, Failure> {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    for input in inputs {
        for file in files(&paths::package().join(input))? {
            file.file_name().hash(&mut hasher);
            std::fs::read(&file)?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?.path();
        if entry.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&entry)?);
        }
    }
    found.sort();
    Ok(found)
}
