//! Readers that share memory with the writer.

use super::*;

const SIZE: usize = 16 << 10;

fn world(seed: u64, loss_percent: u64, readers: u8) -> (World, Vec<Guid>) {
    let mut world = World::new(seed, loss_percent);
    let shared =
        |number| Locator { kind: LocatorKind::SHARED_MEMORY, port: number, address: [number as u8; 16] };
    let add = |number| world.add_at(shared(u32::from(number)), reader_guid(number), Replay::None, None);
    let guids = (2..2 + readers).map(add).collect();
    (world, guids)
}

/// The next message's heartbeat, as far as it has one in front of its only sample.
fn sample_with_heartbeat(world: &mut World) -> Option<Heartbeat> {
    let mut out = Datagram::new();
    world.writer.poll_transmit(world.now, &mut out).expect("a message for each sample");
    let bytes = out.to_vec();
    let mut receiver = MessageReceiver::new(&bytes, reader_guid(2).prefix).unwrap();
    let mut heartbeat = None;
    while let Some(next) = receiver.next_submessage() {
        match next.unwrap().1 {
            Submessage::Heartbeat(found) => assert_eq!(heartbeat.replace(found), None),
            Submessage::DataFrag(data) => {
                assert_eq!(data.whole_sample().map(<[u8]>::len), Some(SIZE));
                assert!(receiver.next_submessage().is_none(), "nothing can follow the payload");
                return heartbeat;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("no sample");
}

#[test]
fn a_sample_by_reference_is_one_message_and_asks_now_and_then() {
    let (mut world, _) = world(1, 0, 1);
    world.settle();
    let per_request = WriterConfig::new(WRITER).acknowledgement_interval / SIZE;
    let mut since_request = 0;
    for number in 1..=3 * per_request {
        world.write(value(number as u32, SIZE));
        let heartbeat = sample_with_heartbeat(&mut world);
        let mut out = Datagram::new();
        assert_eq!(world.writer.poll_transmit(world.now, &mut out), None);
        match heartbeat {
            // It goes in front, and tells of what was sent before.
            Some(heartbeat) => {
                assert!(!heartbeat.is_final);
                assert_eq!(heartbeat.last_sn.0, number as i64 - 1);
                since_request = 0;
            }
            None => since_request += 1,
        }
        assert!(since_request < per_request);
    }
    // Nothing that was sent has arrived: the writer asks by itself, and repairs.
    world.settle();
    assert!(world.writer.is_acknowledged(world.writer.history().last_number()));
}

#[test]
fn small_samples_have_a_heartbeat_only_where_it_asks() {
    const SMALL: usize = 1_000;
    let (mut world, _) = world(2, 0, 1);
    world.settle();
    let interval = WriterConfig::new(WRITER).acknowledgement_interval;
    let (mut asked, mut sent) = (0, 0);
    for number in 1..=3 * interval / SMALL {
        world.write(value(number as u32, SMALL));
        let mut out = Datagram::new();
        world.writer.poll_transmit(world.now, &mut out).expect("a message for each sample");
        sent += SMALL;
        let bytes = out.to_vec();
        let mut receiver = MessageReceiver::new(&bytes, reader_guid(2).prefix).unwrap();
        while let Some(next) = receiver.next_submessage() {
            match next.unwrap().1 {
                Submessage::Heartbeat(heartbeat) => {
                    assert!(!heartbeat.is_final && sent >= interval, "{sent} bytes after the last one");
                    assert_eq!(heartbeat.last_sn.0, number as i64);
                    (asked, sent) = (asked + 1, 0);
                }
                Submessage::Data(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(asked, 2);
    // None of it has arrived: the heartbeat in time tells.
    world.settle();
    assert!(world.writer.is_acknowledged(world.writer.history().last_number()));
}

#[test]
fn small_samples_that_leave_together_have_a_heartbeat() {
    let (mut world, _) = world(2, 0, 1);
    world.settle();
    for number in 1..=3 {
        world.write(value(number, 100));
    }
    let mut out = Datagram::new();
    world.writer.poll_transmit(world.now, &mut out).expect("a message for all");
    let bytes = out.to_vec();
    let mut receiver = MessageReceiver::new(&bytes, reader_guid(2).prefix).unwrap();
    let mut heartbeats = Vec::new();
    while let Some(next) = receiver.next_submessage() {
        if let Submessage::Heartbeat(heartbeat) = next.unwrap().1 {
            heartbeats.push((heartbeat.last_sn.0, heartbeat.is_final));
        }
    }
    assert_eq!(heartbeats, [(3, true)], "about all of them, and asking for nothing");
}

#[test]
fn samples_by_reference_arrive_once_and_in_order_under_loss() {
    for seed in 1..10 {
        let (mut world, readers) = world(seed * 104_729, 20, 2);
        let mut expected = Vec::new();
        for number in 0..100 {
            let bytes = value(number, if number % 7 == 3 { 40 } else { SIZE });
            expected.push(bytes.clone());
            world.write(bytes);
            if number % 3 == 0 {
                world.flush();
            }
        }
        world.settle();
        for reader in readers {
            assert!(world.readers[&reader].got == expected, "{}", world.readers[&reader].got.len());
        }
    }
}
