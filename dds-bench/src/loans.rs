//! The ends of a benchmark whose samples are lent: written where they are read, in shared memory.
//!
//! They behave as those of `role.rs` do, with blocking waits. As iceoryx2's ends do, the sender copies the
//! payload into the sample once, and the receiver looks at its number.

use std::{
    io::BufRead,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytemuck::{Pod, Zeroable};
use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, qos::Duration as DdsDuration, types::TopicType,
};

use crate::{Failure, options::Options, role::wall_ns};

/// A sample that can be lent.
trait Plain: TopicType + Pod {
    fn number(&self) -> u64;
    fn fill(&mut self, number: u64, payload: &[u8]);
}

macro_rules! plain_samples {
    ($($Name:ident: $length:literal;)*) => {$(
        #[derive(DdsType, Clone, Copy, Pod, Zeroable)]
        #[dds(extensibility = "final")]
        #[repr(C)]
        struct $Name {
            sequence_number: u64,
            payload: [u8; $length],
        }

        impl Plain for $Name {
            fn number(&self) -> u64 {
                self.sequence_number
            }

            fn fill(&mut self, number: u64, payload: &[u8]) {
                self.sequence_number = number;
                self.payload.copy_from_slice(payload);
            }
        }
    )*};
}

plain_samples! {
    Plain64: 64;
    Plain1Ki: 1024;
    Plain16Ki: 16_384;
    Plain1Mi: 1_048_576;
}

/// Runs the end that `options` names.
pub fn run(options: &Options) -> Result<(), Failure> {
    match options.payload {
        64 => serve::<Plain64>(options),
        1024 => serve::<Plain1Ki>(options),
        16_384 => serve::<Plain16Ki>(options),
        1_048_576 => serve::<Plain1Mi>(options),
        other => Err(format!("no sample of {other} bytes is made to be lent").into()),
    }
}

struct Sender<T: Plain> {
    writer: DataWriter<T>,
    payload: Vec<u8>,
}

impl<T: Plain> Sender<T> {
    fn send(&self, number: u64) -> Result<(), Failure> {
        let mut loan = self.writer.loan()?;
        loan.fill(number, &self.payload);
        Ok(loan.write()?)
    }
}

/// Waits a while and hands on the numbers of what came.
fn receive<T: Plain>(
    reader: &DataReader<T>,
    mut take: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    drop(reader.wait_for_data(DdsDuration::from_millis(100)));
    for sample in reader.select().take_loan()?.iter() {
        let number = match sample.plain() {
            Some(plain) => plain.number(),
            // Small ones are copied, and may lie anywhere.
            None => match sample.bytes().and_then(|bytes| bytes.get(4..)?.first_chunk().copied()) {
                Some(number) => u64::from_le_bytes(number),
                None => continue,
            },
        };
        take(number)?;
    }
    Ok(())
}

fn serve<T: Plain>(options: &Options) -> Result<(), Failure> {
    let created = wall_ns();
    let participant = DomainParticipant::builder(options.domain).build()?;
    let limit = DdsDuration::from_secs(60);
    let sender = |name: &str| -> Result<Sender<T>, Failure> {
        let blocking = DdsDuration::from_secs(10);
        let writer = participant.topic::<T>(name)?.writer().reliable().keep_all().max_blocking_time(blocking);
        let writer = writer.build()?;
        writer.wait_matched(1, limit)?;
        Ok(Sender { writer, payload: vec![0; options.payload] })
    };
    let reader = |name: &str| -> Result<DataReader<T>, Failure> {
        Ok(participant.topic::<T>(name)?.reader().reliable().keep_all().build()?)
    };
    let (forth, back) = ("LentForth", "LentBack");
    let (sender, reader) = match options.command.as_str() {
        "ping" => {
            let reader = reader(back)?;
            (Some(sender(forth)?), Some(reader))
        }
        "pong" => {
            let reader = reader(forth)?;
            (Some(sender(back)?), Some(reader))
        }
        "publish" => (Some(sender(forth)?), None),
        _ => (None, Some(reader(forth)?)),
    };
    if let Some(reader) = &reader {
        reader.wait_matched(1, limit)?;
    }
    println!(r#"{{"event":"matched","created_ns":{created},"matched_ns":{}}}"#, wall_ns());
    if std::io::stdin().lock().lines().next().is_none() {
        return Ok(());
    }
    let is_over = until_input_ends();
    match (sender, reader) {
        (Some(sender), Some(reader)) if options.command == "ping" => ping(options, &sender, &reader)?,
        (Some(sender), Some(reader)) => {
            while !is_over.load(Ordering::Acquire) {
                receive(&reader, |number| sender.send(number))?;
            }
        }
        (Some(sender), None) => publish(options, &sender)?,
        (None, Some(reader)) => subscribe(&reader, &is_over)?,
        (None, None) => {}
    }
    while !is_over.load(Ordering::Acquire) {
        thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}

/// Becomes true at the end of standard input.
fn until_input_ends() -> Arc<AtomicBool> {
    let over = Arc::new(AtomicBool::new(false));
    let set = over.clone();
    thread::spawn(move || {
        std::io::stdin().lock().lines().for_each(drop);
        set.store(true, Ordering::Release);
    });
    over
}

fn ping<T: Plain>(options: &Options, sender: &Sender<T>, reader: &DataReader<T>) -> Result<(), Failure> {
    let mut trips: Vec<u32> = Vec::with_capacity(1 << 22);
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut number = 0;
    loop {
        let sent = Instant::now();
        sender.send(number)?;
        let mut came_back = false;
        while !came_back {
            receive(reader, |_| {
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
    crate::role::print_trips(&mut trips);
    Ok(())
}

fn publish<T: Plain>(options: &Options, sender: &Sender<T>) -> Result<(), Failure> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(options.seconds);
    let mut number = 0_u64;
    let mut next = start;
    loop {
        if let Some(pace) = options.pace {
            next += pace;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        sender.send(number)?;
        number += 1;
        if (options.pace.is_some() || number.is_multiple_of(16)) && Instant::now() >= end {
            break;
        }
    }
    let elapsed = start.elapsed().as_nanos();
    let acknowledged = sender.writer.wait_for_acknowledgments(DdsDuration::from_secs(10)).is_ok();
    println!(
        r#"{{"event":"result","samples":{number},"elapsed_ns":{elapsed},"acknowledged":{acknowledged}}}"#
    );
    Ok(())
}

fn subscribe<T: Plain>(reader: &DataReader<T>, is_over: &AtomicBool) -> Result<(), Failure> {
    let (mut samples, mut expected, mut lost, mut disordered) = (0_u64, 0, 0, 0_u64);
    let mut span: Option<(Instant, Instant)> = None;
    loop {
        // Known before the last look, so that it finds everything.
        let ends = is_over.load(Ordering::Acquire);
        let before = samples;
        receive(reader, |number| {
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
        if ends {
            break;
        }
    }
    let elapsed = span.map_or(0, |(first, last)| (last - first).as_nanos());
    println!(
        r#"{{"event":"result","samples":{samples},"elapsed_ns":{elapsed},"lost":{lost},"disordered":{disordered}}}"#
    );
    Ok(())
}
