//! The durability service as a program: see `--help`.

use std::{
    io::Write,
    process::ExitCode,
    sync::mpsc::{RecvTimeoutError, channel},
    time::Duration,
};

use dds_core::ParticipantConfig;
use dds_durability::{ChannelStatus, DurabilityConfig, DurabilityService};
use lexopt::prelude::{Long, Short, ValueExt};

const HELP: &str = "\
Keeps the samples of TRANSIENT and PERSISTENT writers for readers that come later.

dds-durability [options]
  -d, --domain <id>     the domain, 0 by default
  -s, --store <file>    where PERSISTENT samples are kept; without it, only TRANSIENT ones are
  -t, --topics <glob>   topics to keep, such as 'rt/*'; may be given several times; all by default
      --max-bytes <n>   memory for samples, 268435456 by default
      --tag <text>      the domain tag
      --loopback        on the loopback interface only
  -h, --help            this text
It ends at SIGINT or SIGTERM. RUST_LOG chooses what is logged to stderr.";

/// How often what is kept is looked at for changes to print.
const REFRESH: Duration = Duration::from_secs(1);

struct Options {
    domain: u32,
    loopback: bool,
    tag: String,
    config: DurabilityConfig,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut options =
        Options { domain: 0, loopback: false, tag: String::new(), config: DurabilityConfig::default() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('d') | Long("domain") => options.domain = parser.value()?.parse()?,
            Short('s') | Long("store") => options.config.store = Some(parser.value()?.into()),
            Short('t') | Long("topics") => options.config.topics.push(parser.value()?.string()?),
            Long("max-bytes") => options.config.max_bytes = parser.value()?.parse()?,
            Long("tag") => options.tag = parser.value()?.string()?,
            Long("loopback") => options.loopback = true,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // A second signal finds nobody who listens.
        let _ = interrupt.send(());
    })?;
    let participant = match options.loopback {
        true => ParticipantConfig::loopback_only(),
        false => ParticipantConfig::default(),
    };
    let store = options.config.store.clone();
    let service = DurabilityService::builder(options.domain)
        .participant_config(ParticipantConfig { domain_tag: options.tag, ..participant })
        .config(options.config)
        .start()?;
    match store {
        Some(path) => say(&format!("domain {}, store {}", options.domain, path.display())),
        None => say(&format!("domain {}, no store: TRANSIENT samples only", options.domain)),
    }
    let mut shown = Vec::new();
    while let Err(RecvTimeoutError::Timeout) = interrupted.recv_timeout(REFRESH) {
        let status = service.status();
        status.iter().filter(|channel| !shown.contains(*channel)).for_each(show);
        shown = status;
        if service.has_ended() {
            break;
        }
    }
    service.stop()?;
    say("ended");
    Ok(())
}

fn show(channel: &ChannelStatus) {
    let partitions = match channel.partitions.as_slice() {
        [] => String::new(),
        names => format!(" in {}", names.join(", ")),
    };
    let lost = match channel.refused + channel.nameless {
        0 => String::new(),
        count => format!(", {count} not kept"),
    };
    say(&format!(
        "{} ({}){partitions}: {:?}, {} writers, {} samples of {} instances, {} served, {} bytes{lost}",
        channel.topic_name,
        channel.type_name,
        channel.durability,
        channel.writers,
        channel.samples,
        channel.instances,
        channel.served,
        channel.bytes
    ));
}

/// One line, at once, also into a pipe; whoever closed it does not end the service.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
