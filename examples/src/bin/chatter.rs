//! The talker and the listener of ROS 2's demo, without ROS 2:
//! `cargo run -p examples --bin chatter talker` (or `listener`).
//!
//! Each meets the other one, and `ros2 run demo_nodes_cpp talker` or `listener` on the same network and in
//! the same domain: the one of `ROS_DOMAIN_ID`, as for every ROS 2 program. What ROS 2 adds to DDS is three
//! names: topics get the prefix `rt/`, types a name of their own, and a participant says in USER_DATA
//! which security enclave it is in.

use std::{env, error::Error, process::ExitCode, time::Duration};

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant,
    condition::{GuardCondition, WaitSet},
    error::DdsError,
    qos::{DomainParticipantQos, UserData},
    sample::DataState,
};
use lexopt::prelude::*;

/// `std_msgs/msg/String`.
#[derive(Debug, DdsType)]
#[dds(name = "std_msgs::msg::dds_::String_")]
struct Text {
    data: String,
}

const USAGE: &str = "usage: chatter talker|listener [options]
  --topic NAME       ROS topic (default: chatter)
  --domain N         domain (default: ROS_DOMAIN_ID, else 0)
  --count N          leave after N messages; a talker first waits for a listener
  --period-ms N      time between messages of a talker (default: 1000)
  --loopback-only    use no network interface but loopback";

/// What a wrong command line ends with.
const WRONG_ARGUMENTS: u8 = 2;

enum Role {
    Talker,
    Listener,
}

struct Options {
    role: Role,
    topic: String,
    domain: u32,
    count: Option<u64>,
    period: Duration,
    loopback_only: bool,
}

impl Options {
    fn parse() -> Result<Self, lexopt::Error> {
        let mut role = None;
        let mut options = Self {
            role: Role::Talker,
            topic: "chatter".into(),
            domain: ros_domain()?,
            count: None,
            period: Duration::from_secs(1),
            loopback_only: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Value(value) if role.is_none() => {
                    role = Some(match value.to_str() {
                        Some("talker") => Role::Talker,
                        Some("listener") => Role::Listener,
                        _ => return Err("the first argument is talker or listener".into()),
                    });
                }
                Long("topic") => options.topic = parser.value()?.string()?,
                Long("domain") => options.domain = parser.value()?.parse()?,
                Long("count") => options.count = Some(parser.value()?.parse()?),
                Long("period-ms") => options.period = Duration::from_millis(parser.value()?.parse()?),
                Long("loopback-only") => options.loopback_only = true,
                _ => return Err(argument.unexpected()),
            }
        }
        options.role = role.ok_or("talker or listener?")?;
        Ok(options)
    }
}

/// The domain of every ROS 2 program, unless it is told another.
fn ros_domain() -> Result<u32, lexopt::Error> {
    let Some(domain) = env::var_os("ROS_DOMAIN_ID").filter(|domain| !domain.is_empty()) else { return Ok(0) };
    let domain = domain.to_string_lossy();
    domain.parse().map_err(|_| format!("ROS_DOMAIN_ID is no number: {domain}").into())
}

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("chatter: {error}\n{USAGE}");
            return ExitCode::from(WRONG_ARGUMENTS);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatter: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    // Ctrl-C ends the program in order, so that others see it leave at once.
    let interrupt = GuardCondition::new();
    let handle = interrupt.clone();
    ctrlc::set_handler(move || handle.set_trigger_value(true))?;

    let qos = DomainParticipantQos {
        user_data: UserData(b"enclave=/;".to_vec()),
        ..DomainParticipantQos::default()
    };
    let builder = DomainParticipant::builder(options.domain).name("chatter").qos(qos);
    let builder = if options.loopback_only { builder.loopback_only() } else { builder };
    let topic = builder.build()?.topic::<Text>(&format!("rt/{}", options.topic))?;
    // The QoS that ROS 2 calls default.
    match options.role {
        Role::Talker => talk(&topic.writer().reliable().keep_last(10).build()?, options, &interrupt),
        Role::Listener => listen(&topic.reader().reliable().keep_last(10).build()?, options, &interrupt),
    }
}

fn talk(
    writer: &DataWriter<Text>,
    options: &Options,
    interrupt: &GuardCondition,
) -> Result<(), Box<dyn Error>> {
    if options.count.is_some() {
        writer.wait_matched(1, Duration::from_secs(20).into())?;
    }
    let pause = WaitSet::new();
    pause.attach(interrupt);
    for number in 1..=options.count.unwrap_or(u64::MAX) {
        let text = format!("Hello World: {number}");
        println!("Publishing: '{text}'");
        writer.write(&Text { data: text })?;
        match pause.wait(options.period.into()) {
            Ok(_) => break,
            Err(DdsError::Timeout { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if options.count.is_some() {
        writer.wait_for_acknowledgments(Duration::from_secs(20).into())?;
    }
    Ok(())
}

fn listen(
    reader: &DataReader<Text>,
    options: &Options,
    interrupt: &GuardCondition,
) -> Result<(), Box<dyn Error>> {
    let news = WaitSet::new();
    news.attach(reader.read_condition(DataState::NOT_READ));
    news.attach(interrupt);
    let mut heard = 0;
    while options.count.is_none_or(|count| heard < count) {
        news.wait(dds_core::qos::Duration::INFINITE)?;
        if interrupt.trigger_value() {
            break;
        }
        for text in reader.take()?.into_iter().filter_map(dds_core::sample::Sample::into_data) {
            heard += 1;
            println!("I heard: [{}]", text.data);
        }
    }
    Ok(())
}
