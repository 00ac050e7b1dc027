//! What this machine's loopback can do, through this crate: the limits other benchmarks compare with.
//!
//! ```text
//! raw_udp [ping-pong | stream | gso-stream | batch-stream] [payload bytes, default 64] [seconds, default 2]
//! ```
//! `ping-pong` prints the round trip between two threads (p50, p90, p99), each waiting by the poller before it
//! receives; `stream`, `gso-stream` and `batch-stream` print datagrams and bytes a second received from a
//! flat-out sender, and the share lost. Pin it with `taskset -c 0` (software path alone) or `-c 0,1`.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dds_transport::config::Offload;
use dds_transport::socket::{MAX_UDP_PAYLOAD, RECEIVE_BUFFER_SIZE};
use dds_transport::{
    OutgoingDatagram, Poller, SendError, SendOptions, SocketConfig, Token, UdpSocket, Waker,
};

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, default: &'static str| arguments.get(at).map_or(default, String::as_str);
    let payload: usize = argument(1, "64").parse()?;
    let duration = Duration::from_secs_f64(argument(2, "2").parse()?);
    if payload > MAX_UDP_PAYLOAD {
        return Err(format!("at most {MAX_UDP_PAYLOAD} bytes fit in a datagram").into());
    }
    match argument(0, "ping-pong") {
        "ping-pong" => ping_pong(payload, duration),
        "stream" => stream(payload, duration, Mode::Single),
        "gso-stream" => stream(payload, duration, Mode::Segmented),
        "batch-stream" => stream(payload, duration, Mode::Batched),
        other => Err(format!("unknown mode `{other}`").into()),
    }
}

fn open() -> io::Result<UdpSocket> {
    let config = SocketConfig {
        receive_buffer: 4 << 20,
        send_buffer: 1 << 20,
        multicast_ttl: 1,
        offload: Offload::Automatic,
    };
    UdpSocket::exclusive(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &config)
}

/// Waits for one receive; `None` when woken.
fn receive(socket: &UdpSocket, poller: &Poller, buffer: &mut [u8]) -> io::Result<Option<(usize, usize)>> {
    loop {
        if poller.wait(None)?.is_woken() {
            return Ok(None);
        }
        if let Some(received) = socket.receive(buffer)? {
            return Ok(Some((received.length, received.datagrams(buffer).len())));
        }
    }
}

fn ping_pong(payload: usize, duration: Duration) -> Result<(), AnyError> {
    let (ping, pong) = (open()?, open()?);
    let (ping_address, pong_address) = (ping.local_address(), pong.local_address());
    let pong_poller = Poller::new()?;
    pong_poller.add(pong.as_fd(), Token(0))?;
    let waker = pong_poller.waker();
    let mut trips = std::thread::scope(|scope| -> io::Result<Vec<Duration>> {
        scope.spawn(|| -> io::Result<()> {
            let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
            while let Some((length, _)) = receive(&pong, &pong_poller, &mut buffer)? {
                let answer = [IoSlice::new(&buffer[..length])];
                pong.send_to(ping_address, &answer, &SendOptions::default()).map_err(io::Error::other)?;
            }
            Ok(())
        });
        let poller = Poller::new()?;
        poller.add(ping.as_fd(), Token(0))?;
        let bytes = vec![0; payload];
        let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
        let mut trips = Vec::with_capacity(1 << 20);
        let end = Instant::now() + duration;
        loop {
            let start = Instant::now();
            if start >= end {
                break;
            }
            ping.send_to(pong_address, &[IoSlice::new(&bytes)], &SendOptions::default())
                .map_err(io::Error::other)?;
            receive(&ping, &poller, &mut buffer)?;
            trips.push(start.elapsed());
        }
        waker.wake();
        Ok(trips)
    })?;
    trips.sort_unstable();
    let at = |share: f64| trips[(trips.len() as f64 * share) as usize].as_nanos() as f64 / 1e3;
    println!(
        "{payload} B: {} round trips, p50 {:.1} µs, p90 {:.1} µs, p99 {:.1} µs",
        trips.len(),
        at(0.5),
        at(0.9),
        at(0.99)
    );
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Single,
    Segmented,
    Batched,
}

/// Messages in one batch of `batch-stream`.
const BATCH: usize = 16;

fn stream(payload: usize, duration: Duration, mode: Mode) -> Result<(), AnyError> {
    let (sender, receiver) = (open()?, open()?);
    let destination = receiver.local_address();
    let poller = Poller::new()?;
    poller.add(receiver.as_fd(), Token(0))?;
    let stop = StopGuard { is_stopped: AtomicBool::new(false), waker: poller.waker() };
    let (received_bytes, received_datagrams) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    let sent = std::thread::scope(|scope| -> Result<u64, AnyError> {
        scope.spawn(|| -> io::Result<()> {
            let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
            while !stop.is_stopped.load(Ordering::Relaxed) {
                poller.wait(None)?;
                while let Some(received) = receiver.receive(&mut buffer)? {
                    received_bytes.fetch_add(received.length as u64, Ordering::Relaxed);
                    let count = received.datagrams(&buffer).len() as u64;
                    received_datagrams.fetch_add(count, Ordering::Relaxed);
                }
            }
            Ok(())
        });
        let sent = send_flat_out(&sender, destination, payload, duration, mode);
        stop.stop();
        sent
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let datagrams = received_datagrams.into_inner() as f64;
    println!(
        "{payload} B: {:.0} thousand datagrams/s, {:.2} GB/s received, {:.1} % of {} lost",
        datagrams / seconds / 1e3,
        received_bytes.into_inner() as f64 / seconds / 1e9,
        100.0 * (1.0 - datagrams / sent as f64),
        sent
    );
    Ok(())
}

struct StopGuard {
    is_stopped: AtomicBool,
    waker: Waker,
}

impl StopGuard {
    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.waker.wake();
    }
}

/// Returns how many datagrams were sent.
fn send_flat_out(
    sender: &UdpSocket,
    destination: SocketAddr,
    payload: usize,
    duration: Duration,
    mode: Mode,
) -> Result<u64, AnyError> {
    let per_call = match mode {
        Mode::Single => 1,
        Mode::Segmented => (MAX_UDP_PAYLOAD / payload.max(1)).clamp(1, 64),
        Mode::Batched => BATCH,
    };
    let bytes = vec![0; payload * if mode == Mode::Segmented { per_call } else { 1 }];
    let pieces = [IoSlice::new(&bytes)];
    let segment_size = (mode == Mode::Segmented && per_call > 1).then_some(payload as u16);
    let options = SendOptions { segment_size, ..SendOptions::default() };
    let batch = [OutgoingDatagram { destination, pieces: &pieces, options }; BATCH];
    let end = Instant::now() + duration;
    let mut sent = 0;
    while Instant::now() < end {
        for _ in 0..16 {
            let outcome = match mode {
                Mode::Batched => sender.send_batch(&batch).map(|count| count as u64),
                _ => sender.send_to(destination, &pieces, &options).map(|_| per_call as u64),
            };
            match outcome {
                Ok(count) => sent += count,
                Err(SendError::WouldBlock) => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(sent)
}
