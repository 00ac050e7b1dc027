//! Sending, waiting and receiving allocate nothing. Alone in its file: it counts all the process allocates.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::open_confined;
use dds_transport::socket::RECEIVE_BUFFER_SIZE;
use dds_transport::{
    MulticastUse, OutgoingDatagram, ParticipantIdChoice, SendOptions, UdpConfig, UdpTransport,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn round(transport: &UdpTransport, destination: SocketAddr, buffer: &mut [u8]) {
    let pieces = [IoSlice::new(b"head"), IoSlice::new(&[1; 3000])];
    let plain = SendOptions { dscp: Some(8), ..SendOptions::default() };
    let train = SendOptions { segment_size: Some(1000), ..plain };
    transport.send(destination, &pieces, &plain).unwrap();
    transport.send(destination, &pieces, &train).unwrap();
    let message = OutgoingDatagram { destination, pieces: &pieces, options: plain };
    assert_eq!(transport.send_batch(&[message; 4]).unwrap(), 4);
    let mut bytes = 0;
    while bytes < 6 * 3004 {
        for socket in transport.wait(Some(common::PATIENCE)).unwrap() {
            while let Some(received) = transport.receive(socket, buffer).unwrap() {
                bytes += received.datagrams(buffer).map(<[u8]>::len).sum::<usize>();
            }
        }
    }
}

#[test]
fn a_round_allocates_nothing() {
    let config = UdpConfig {
        multicast: MulticastUse::Disabled,
        participant_id: ParticipantIdChoice::Ephemeral,
        ..UdpConfig::loopback_only()
    };
    let transport = open_confined(0, config);
    let destination = transport.user_unicast_addresses()[0];
    let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
    round(&transport, destination, &mut buffer);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        round(&transport, destination, &mut buffer);
    }
    // The test harness's own thread may allocate a little meanwhile.
    let during = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(during < 10, "{during} allocations in 100 rounds");
}
