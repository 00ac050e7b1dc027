//! Reading hostile bytes allocates nothing beyond a small multiple of them, and reading messages
//! nothing at all, but for the locators of an INFO_REPLY that names several.

mod wire_support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use dds_rtps::{
    discovery::{ContentFilter, ParticipantData, Property, SubscriptionData},
    message::{
        Datagram, MessageBuilder, MessageReceiver, Submessage,
        corpus::{Route, Seed, damaged, messages},
    },
    payload::Payload,
    structure::{EntityId, EntityKind, Guid, GuidPrefix, VendorId},
};
use wire_support::datagrams;

struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed on unchanged to the system's allocator; counting touches nothing
// but a cell of this thread that needs no destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that `run` allocates in all, those it frees again included.
fn allocated(run: impl FnOnce()) -> usize {
    let before = ALLOCATED.get();
    run();
    ALLOCATED.get() - before
}

fn read(datagram: &[u8]) {
    let Ok(mut receiver) = MessageReceiver::new(datagram, GuidPrefix::UNKNOWN) else { return };
    while let Some(Ok((_, submessage))) = receiver.next_submessage() {
        if let Submessage::Data(data) = submessage {
            std::hint::black_box(data.inline_qos.map(|qos| qos.iter().count()));
        }
    }
}

#[test]
fn reading_messages_allocates_nothing_but_reply_locators() {
    let route = Route {
        source: GuidPrefix([1; 12]),
        destination: GuidPrefix([2; 12]),
        writer_id: EntityId::SPDP_WRITER,
        reader_id: EntityId::SPDP_READER,
    };
    for base in messages(&mut Seed(1), &route, &Payload::from(vec![1; 500])) {
        for message in damaged(&base) {
            let names_locators = message.contains(&0x0f);
            let bound = if names_locators { message.len() } else { 0 };
            assert!(allocated(|| read(&message)) <= bound, "{message:02x?}");
        }
    }
    for datagram in datagrams("ros2-kilted-talker-listener-service") {
        assert_eq!(allocated(|| read(&datagram)), 0);
    }
}

#[test]
fn decoding_announcements_allocates_a_small_multiple() {
    let guid = Guid::new(GuidPrefix([1; 12]), EntityId::PARTICIPANT);
    let mut participant = ParticipantData::new(guid);
    participant.properties = vec![Property::new("", ""); 4000];
    participant.default_unicast_locators = vec![dds_rtps::structure::Locator::INVALID; 16];
    let reader = Guid::new(guid.prefix, EntityId::new(1, EntityKind::READER_WITH_KEY));
    let mut subscription = SubscriptionData::new(reader, "Square", "ShapeType", Default::default());
    subscription.qos.partition.0 = vec![String::new(); 5000];
    let expression_parameters = vec![String::new(); ContentFilter::MOST_PARAMETERS];
    subscription.content_filter = Some(ContentFilter { expression_parameters, ..ContentFilter::default() });
    let (mut first, mut second) = (Vec::new(), Vec::new());
    participant.encode(&mut first).unwrap();
    subscription.encode(&mut second).unwrap();
    // Strings of length 0, which we read but do not write: as many properties as can be.
    let mut third = vec![0, 3, 0, 0, 0x59, 0, 0xfc, 0xff, 0xff, 0x1f, 0, 0];
    third.resize(8 + 0xfffc, 0);
    third.extend_from_slice(&[1, 0, 0, 0]);
    for payload in [first, second, third] {
        let bound = payload.len() * 16 + 64 * 1024;
        // Every word near the start, where the lengths are, and the ends of the lists.
        for place in (0..400).chain((payload.len() - 400..payload.len()).step_by(5)) {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut copy = payload.clone();
                copy[place] = byte;
                let used = allocated(|| {
                    let _ = ParticipantData::decode(&copy, VendorId::OURS);
                    let _ = SubscriptionData::decode(&copy, VendorId::OURS);
                });
                // Two decoders ran.
                assert!(used <= 2 * bound, "{used} bytes for {}", payload.len());
            }
        }
    }
}

#[test]
fn building_into_a_used_datagram_allocates_nothing() {
    let payload = Payload::from(vec![1; 1000]);
    let mut datagram = Datagram::new();
    let mut build = || {
        datagram.clear();
        let mut builder = MessageBuilder::begin(&mut datagram, GuidPrefix([1; 12]));
        builder.info_destination(GuidPrefix([2; 12])).info_timestamp(Some(Default::default()));
        for _ in 0..4 {
            let header = dds_rtps::message::DataHeader {
                kind: dds_rtps::message::PayloadKind::Data,
                key_hash: Some(Default::default()),
                ..Default::default()
            };
            builder.data(&header, None, &payload);
        }
        std::hint::black_box(datagram.pieces().count());
    };
    build();
    assert_eq!(allocated(build), 0);
}
