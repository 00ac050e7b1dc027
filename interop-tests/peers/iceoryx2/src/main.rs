//! The ends of `dds-bench` on iceoryx2: publish-subscribe for the bytes, an event to wake the other side.
//!
//! They speak as `dds-bench/src/role.rs` does: print when they are matched, wait for a line, work, print the
//! result, end at the end of standard input. A sample is a slice of bytes that begins with its number; the
//! sender copies the rest into loaned memory once, the receiver looks at the number.

use std::io::BufRead;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use iceoryx2::port::{
    listener::Listener, notifier::Notifier, publisher::Publisher, subscriber::Subscriber,
    update_connections::UpdateConnections,
};
use iceoryx2::prelude::*;

type AnyError = Box<dyn std::error::Error>;
type Service = ipc::Service;

/// Samples on the way at most.
const QUEUE: usize = 1024;

struct Options {
    role: String,
    payload: usize,
    seconds: f64,
}

fn options() -> Result<Options, AnyError> {
    use lexopt::prelude::*;
    let mut options = Options { role: String::new(), payload: 64, seconds: 0.6 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(role) => options.role = role.string()?,
            Long("payload") => options.payload = parser.value()?.parse()?,
            Long("seconds") => options.seconds = parser.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(options)
}

/// Wall time, which processes of one host share.
fn wall_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

struct Sender {
    publisher: Publisher<Service, [u8], ()>,
    notifier: Notifier<Service>,
    payload: Vec<u8>,
}

impl Sender {
    fn send(&mut self, number: u64) -> Result<(), AnyError> {
        self.payload[..8].copy_from_slice(&number.to_le_bytes());
        let sample = self.publisher.loan_slice_uninit(self.payload.len())?;
        sample.write_from_slice(&self.payload).send()?;
        self.notifier.notify()?;
        Ok(())
    }
}

struct Receiver {
    subscriber: Subscriber<Service, [u8], ()>,
    listener: Listener<Service>,
}

impl Receiver {
    /// Waits, and hands on the number of each sample that is there.
    fn receive(&self, limit: Duration, mut take: impl FnMut(u64) -> Result<(), AnyError>) -> Result<(), AnyError> {
        self.listener.timed_wait(|_| {}, limit)?;
        while let Some(sample) = self.subscriber.receive()? {
            let number = sample.payload().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            take(number)?;
        }
        Ok(())
    }
}

/// One direction; the ends that this role has of it.
fn direction(
    node: &Node<Service>,
    name: &str,
    payload: usize,
    sends: bool,
) -> Result<(Option<Sender>, Option<Receiver>), AnyError> {
    let samples = node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(if payload > 65_536 { 16 } else { QUEUE })
        .open_or_create()?;
    let events = node.service_builder(&format!("{name}Event").as_str().try_into()?).event().open_or_create()?;
    if sends {
        let publisher = samples
            .publisher_builder()
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .initial_max_slice_len(payload)
            .create()?;
        let notifier = events.notifier_builder().create()?;
        while samples.dynamic_config().number_of_subscribers() == 0
            || events.dynamic_config().number_of_listeners() == 0
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        publisher.update_connections()?;
        Ok((Some(Sender { publisher, notifier, payload: vec![0; payload] }), None))
    } else {
        let subscriber = samples.subscriber_builder().create()?;
        let listener = events.listener_builder().create()?;
        while samples.dynamic_config().number_of_publishers() == 0
            || events.dynamic_config().number_of_notifiers() == 0
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok((None, Some(Receiver { subscriber, listener })))
    }
}

fn main() -> Result<(), AnyError> {
    set_log_level(LogLevel::Error);
    let options = options()?;
    let created = wall_ns();
    let node = NodeBuilder::new().create::<Service>()?;
    let payload = options.payload.max(8);
    let (mut sender, mut receiver) = (None, None);
    let forth = |sends| direction(&node, "DdsBenchForth", payload, sends);
    let back = |sends| direction(&node, "DdsBenchBack", payload, sends);
    // The one who listens first lets the other go on.
    match options.role.as_str() {
        "ping" => {
            sender = forth(true)?.0;
            receiver = back(false)?.1;
        }
        "pong" => {
            receiver = forth(false)?.1;
            sender = back(true)?.0;
        }
        "publish" => sender = forth(true)?.0,
        "subscribe" => receiver = forth(false)?.1,
        other => return Err(format!("no role {other}").into()),
    }
    println!(r#"{{"event":"matched","created_ns":{created},"matched_ns":{}}}"#, wall_ns());
    let mut lines = std::io::stdin().lock().lines();
    if lines.next().is_none() {
        return Ok(());
    }
    match (sender, receiver) {
        (Some(sender), Some(receiver)) if options.role == "ping" => {
            ping(&options, sender, &receiver)?;
            lines.for_each(drop);
        }
        (Some(mut sender), Some(receiver)) => {
            drop(lines);
            let over = until_input_ends();
            while !over.load(std::sync::atomic::Ordering::Acquire) {
                receiver.receive(Duration::from_millis(100), |number| sender.send(number))?;
            }
        }
        (Some(sender), None) => {
            publish(&options, sender)?;
            lines.for_each(drop);
        }
        (None, Some(receiver)) => {
            drop(lines);
            subscribe(&receiver)?;
        }
        (None, None) => {}
    }
    Ok(())
}

/// Becomes true at the end of standard input, which nobody else may hold locked.
fn until_input_ends() -> std::sync::Arc<std::sync::atomic::AtomicBool> {
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let set = over.clone();
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().for_each(drop);
        set.store(true, std::sync::atomic::Ordering::Release);
    });
    over
}

fn ping(options: &Options, mut sender: Sender, receiver: &Receiver) -> Result<(), AnyError> {
    let mut trips: Vec<u32> = Vec::with_capacity(1 << 22);
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut number = 0;
    loop {
        let sent = Instant::now();
        sender.send(number)?;
        let mut came_back = false;
        while !came_back {
            receiver.receive(Duration::from_secs(10), |_| {
                came_back = true;
                Ok(())
            })?;
        }
        let now = Instant::now();
        trips.push(u32::try_from((now - sent).as_nanos()).unwrap_or(u32::MAX));
        number += 1;
        if now >= end {
            break;
        }
    }
    // The first tenth warms up.
    let count = trips.len();
    let trips = &mut trips[count / 10..];
    trips.sort_unstable();
    let at = |share: f64| trips[(trips.len() as f64 * share) as usize];
    println!(
        r#"{{"event":"result","samples":{count},"p50_ns":{},"p90_ns":{},"p99_ns":{}}}"#,
        at(0.5),
        at(0.9),
        at(0.99)
    );
    Ok(())
}

fn publish(options: &Options, mut sender: Sender) -> Result<(), AnyError> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(options.seconds);
    let mut number = 0_u64;
    loop {
        sender.send(number)?;
        number += 1;
        if number.is_multiple_of(16) && Instant::now() >= end {
            break;
        }
    }
    let elapsed = start.elapsed().as_nanos();
    println!(r#"{{"event":"result","samples":{number},"elapsed_ns":{elapsed},"acknowledged":true}}"#);
    Ok(())
}

fn subscribe(receiver: &Receiver) -> Result<(), AnyError> {
    let over = until_input_ends();
    let (mut samples, mut expected, mut lost, mut disordered) = (0_u64, 0, 0, 0);
    let mut span: Option<(Instant, Instant)> = None;
    loop {
        // Known before the last look, so that it finds everything.
        let is_over = over.load(std::sync::atomic::Ordering::Acquire);
        let before = samples;
        receiver.receive(Duration::from_millis(20), |number| {
            if samples == 0 {
                span = Some((Instant::now(), Instant::now()));
            }
            samples += 1;
            lost += number.saturating_sub(expected);
            disordered += u64::from(number < expected);
            expected = number + 1;
            Ok(())
        })?;
        if samples != before
            && let Some((_, last)) = &mut span
        {
            *last = Instant::now();
        }
        if is_over {
            break;
        }
    }
    let elapsed = span.map_or(0, |(first, last)| (last - first).as_nanos());
    println!(
        r#"{{"event":"result","samples":{samples},"elapsed_ns":{elapsed},"lost":{lost},"disordered":{disordered}}}"#
    );
    Ok(())
}
