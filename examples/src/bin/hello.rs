//! Hello in two processes, on loopback only: `cargo run -p examples --bin hello [domain]`.
//!
//! The program is the subscriber and starts itself a second time as the publisher. They discover each
//! other, exchange samples of two instances, and then show what happens when two endpoints do *not*
//! match: both sides say why, and what would mend it.

use std::{
    env,
    error::Error,
    io::{IsTerminal, Read, stdin, stdout},
    process::{self, Command, ExitCode, Stdio},
    time::{Duration, Instant, SystemTime},
};

use dds_core::{
    DataReader, DdsType, DomainParticipant, MismatchVerdict, ParticipantConfig,
    condition::{StatusCondition, WaitSet},
    rtps::participant::Problem,
    sample::{InstanceState, Sample, SampleValue},
    status::StatusMask,
};
use examples::command_line;

/// Each room is an instance: it has a history and a life of its own.
#[derive(Clone, Debug, PartialEq, DdsType)]
struct Temperature {
    #[dds(key)]
    room: String,
    celsius: f64,
}

#[derive(Debug, DdsType)]
struct Alarm {
    text: String,
}

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    // As the program starts itself.
    let result = match arguments.iter().map(|text| text.to_string_lossy()).collect::<Vec<_>>().as_slice() {
        [role, domain, tag, started] if role == "publisher" => publisher(domain, tag, started),
        _ => subscriber(command_line::domain("hello")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A participant that only this pair of processes sees, whoever else uses the domain.
fn participant(domain: u32, tag: &str) -> Result<DomainParticipant, Box<dyn Error>> {
    let config = ParticipantConfig { domain_tag: tag.to_owned(), ..ParticipantConfig::loopback_only() };
    Ok(DomainParticipant::builder(domain).config(config).build()?)
}

fn subscriber(domain: u32) -> Result<(), Box<dyn Error>> {
    let started = since_epoch();
    let tag = format!("hello-{}", process::id());
    let log = Log { side: "subscriber", started };
    log.say(format!("process {}, domain {domain}, loopback only; starting the publisher", process::id()));

    let participant = participant(domain, &tag)?;
    let verdicts = participant.verdicts();
    let temperatures =
        participant.topic::<Temperature>("Temperature")?.reader().reliable().keep_last(10).build()?;
    let alarms = participant.topic::<Alarm>("Alarm")?.reader().reliable().build()?;

    let mut child = Command::new(env::current_exe()?)
        .args(["publisher", &domain.to_string(), &tag, &started.as_nanos().to_string()])
        .stdin(Stdio::piped())
        .spawn()?;
    let shown = show(&log, &participant, verdicts, &temperatures, &alarms);
    // The end of its input is the publisher's sign to leave, also if this process fails.
    drop(child.stdin.take());
    let status = child.wait()?;
    shown?;
    if !status.success() {
        return Err(format!("the publisher ended with {status}").into());
    }
    log.say("the publisher has left; done");
    Ok(())
}

fn show(
    log: &Log,
    participant: &DomainParticipant,
    mut verdicts: dds_core::Verdicts,
    temperatures: &DataReader<Temperature>,
    alarms: &DataReader<Alarm>,
) -> Result<(), Box<dyn Error>> {
    temperatures.wait_matched(1, PATIENCE.into())?;
    for peer in participant.discovered_participants() {
        log.say(format!(
            "discovered {} (process {}) on host {}",
            peer.process_name().unwrap_or("a process"),
            peer.process_id().unwrap_or("unknown"),
            peer.host().unwrap_or("unknown"),
        ));
    }
    for writer in temperatures.matched_publications() {
        let qos = &temperatures.matched_publication_data(writer)?.qos;
        log.say(format!(
            "matched a writer of \"Temperature\": {}; {}; {}",
            qos.reliability, qos.durability, qos.liveliness
        ));
    }

    let mut attic_is_gone = false;
    while !attic_is_gone {
        temperatures.wait_for_data(PATIENCE.into())?;
        for sample in temperatures.take()? {
            attic_is_gone |= sample.info().instance_state == InstanceState::NotAliveDisposed;
            log.say(describe(&sample));
        }
    }

    wait_for(alarms.status_condition(), StatusMask::REQUESTED_INCOMPATIBLE_QOS)?;
    let verdict = verdicts.next().ok_or("a mismatch without a verdict")?;
    log.say("\"Alarm\" does not match, and that is said aloud:");
    explain(log, &verdict);
    alarms.wait_for_data(PATIENCE.into())?;
    for alarm in alarms.take()?.into_iter().filter_map(Sample::into_data) {
        log.say(format!("mended: alarm \"{}\" arrived", alarm.text));
    }
    Ok(())
}

fn publisher(domain: &str, tag: &str, started: &str) -> Result<(), Box<dyn Error>> {
    let log = Log { side: "publisher", started: Duration::from_nanos(started.parse()?) };
    log.say(format!("process {}", process::id()));
    let begin = Instant::now();
    let participant = participant(domain.parse()?, tag)?;
    let mut verdicts = participant.verdicts();
    let writer =
        participant.topic::<Temperature>("Temperature")?.writer().reliable().keep_last(10).build()?;
    writer.wait_matched(1, PATIENCE.into())?;
    log.say(format!("discovered and matched {:.1?} after it began", begin.elapsed()));

    for step in 0..3 {
        for (room, celsius) in [("kitchen", 21.0), ("attic", 12.5)] {
            let celsius = celsius + f64::from(step) * 0.5;
            writer.write(&Temperature { room: room.into(), celsius })?;
        }
    }
    writer.dispose(&Temperature { room: "attic".into(), celsius: 0.0 })?;
    writer.wait_for_acknowledgments(PATIENCE.into())?;
    log.say("wrote 6 samples, disposed of \"attic\"; everything is acknowledged");

    // The reader asks for RELIABLE: this offer is too weak.
    let topic = participant.topic::<Alarm>("Alarm")?;
    let weak = topic.writer().best_effort().build()?;
    wait_for(weak.status_condition(), StatusMask::OFFERED_INCOMPATIBLE_QOS)?;
    let verdict = verdicts.next().ok_or("a mismatch without a verdict")?;
    let policies: Vec<_> = verdict.incompatible_qos().map(|offender| offender.policy.name()).collect();
    log.say(format!("its writer of \"Alarm\" is refused for {}; following the advice", policies.join(", ")));
    drop(weak);

    let alarm = topic.writer().reliable().build()?;
    alarm.wait_matched(1, PATIENCE.into())?;
    alarm.write(&Alarm { text: "the attic is gone".into() })?;
    alarm.wait_for_acknowledgments(PATIENCE.into())?;
    // What was received is the reader's, but who left before it looked would not be seen any more.
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Waits until one of these statuses changes.
fn wait_for(condition: StatusCondition, statuses: StatusMask) -> Result<(), Box<dyn Error>> {
    condition.set_enabled_statuses(statuses);
    let set = WaitSet::new();
    set.attach(&condition);
    set.wait(PATIENCE.into())?;
    Ok(())
}

fn describe(sample: &Sample<Temperature>) -> String {
    let info = sample.info();
    let took =
        info.source_timestamp.map(|sent| info.reception_timestamp.as_nanos().saturating_sub(sent.as_nanos()));
    let took = took
        .map_or(String::new(), |nanos| format!(", {:.0?} after it was written", Duration::from_nanos(nanos)));
    match sample.value() {
        SampleValue::Data(data) => format!("{:<8} {:>5.1} °C{took}", data.room, data.celsius),
        SampleValue::Key(key) => format!("{:<8} {:?}{took}", key.room, info.instance_state),
    }
}

fn explain(log: &Log, verdict: &MismatchVerdict) {
    for problem in &verdict.problems {
        match problem {
            Problem::Qos(found) => {
                log.say(format!("  policy    {}", found.policy));
                log.say(format!("  offered   {}", found.offered));
                log.say(format!("  requested {}", found.requested));
                log.say(format!("  fix       {}", found.fix));
            }
            other => log.say(format!("  {other}")),
        }
    }
    log.say(format!("  peer      {}", verdict.peer));
}

/// Lines of both processes, on one clock.
struct Log {
    side: &'static str,
    started: Duration,
}

impl Log {
    fn say(&self, text: impl AsRef<str>) {
        let elapsed = since_epoch().saturating_sub(self.started).as_millis();
        let (side, text) = (self.side, text.as_ref());
        match (stdout().is_terminal(), side) {
            (false, _) => println!("{elapsed:>5} ms  {side:<10}  {text}"),
            (true, "publisher") => println!("{elapsed:>5} ms  \x1b[33m{side:<10}\x1b[0m  {text}"),
            (true, _) => println!("{elapsed:>5} ms  \x1b[36m{side:<10}\x1b[0m  {text}"),
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
