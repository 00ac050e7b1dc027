//! Readers whose participants listen to a group.

use super::*;

const GROUP: Locator = Locator::udp_v4([239, 255, 0, 1], 7401);

fn in_group(world: &mut World, number: u8, locator: Locator, reliable: bool, pays: bool) -> Guid {
    let guid = world.add_at(locator, reader_guid(number), Replay::None, None);
    let mut machine = StatefulReader::new(ReaderConfig::new(guid));
    machine
        .match_writer(world.now, WriterProxyConfig { guid: WRITER, locators: smallvec![alone(1)], reliable });
    world.readers.get_mut(&guid).unwrap().machine = machine;
    world.writer.match_reader(ReaderProxyConfig {
        group: Some(GroupPath { locator: GROUP, pays }),
        filter: None,
        guid,
        locators: smallvec![locator],
        reliable,
        expects_inline_qos: false,
        replay: Replay::None,
    });
    guid
}

fn alone(number: u8) -> Locator {
    Locator::udp_v4([192, 0, 2, number], 7411)
}

fn shared(number: u8) -> Locator {
    Locator { kind: LocatorKind::SHARED_MEMORY, port: u32::from(number), address: [number; 16] }
}

/// Where the next sample goes.
fn destinations(world: &mut World) -> Vec<(GuidPrefix, Locator)> {
    world.settle();
    world.write(value(1, 40));
    let destinations = world.writer.poll_transmit(world.now, &mut Datagram::new()).unwrap();
    assert_eq!(world.writer.poll_transmit(world.now, &mut Datagram::new()), None);
    destinations.to_vec()
}

#[test]
fn a_group_takes_the_place_of_two_participants_and_not_of_one() {
    let mut world = World::new(1, 0);
    in_group(&mut world, 2, alone(2), true, true);
    assert_eq!(destinations(&mut world), [(reader_guid(2).prefix, alone(2))]);
    in_group(&mut world, 3, alone(3), false, true);
    assert_eq!(destinations(&mut world), [(GuidPrefix::UNKNOWN, GROUP)]);
    world.add_reader(4, Replay::None);
    let both = [(reader_guid(4).prefix, alone(4)), (GuidPrefix::UNKNOWN, GROUP)];
    assert_eq!(destinations(&mut world), both, "single ones first, for their INFO_DST");
    world.writer.unmatch_reader(reader_guid(2));
    world.readers.remove(&reader_guid(2));
    let each = [(reader_guid(3).prefix, alone(3)), (reader_guid(4).prefix, alone(4))];
    assert_eq!(destinations(&mut world), each);
}

#[test]
fn readers_for_which_it_does_not_pay_are_served_by_it_only_along_with_others() {
    let mut world = World::new(2, 0);
    in_group(&mut world, 2, alone(2), true, false);
    in_group(&mut world, 3, alone(3), true, false);
    assert_eq!(destinations(&mut world).len(), 2);
    in_group(&mut world, 4, alone(4), true, true);
    assert_eq!(destinations(&mut world).len(), 3);
    in_group(&mut world, 5, alone(5), true, true);
    assert_eq!(destinations(&mut world), [(GuidPrefix::UNKNOWN, GROUP)]);
}

#[test]
fn shared_memory_goes_on_beside_a_group_unless_samples_were_lost_by_that() {
    let mut world = World::new(3, 0);
    in_group(&mut world, 2, alone(2), true, true);
    in_group(&mut world, 3, alone(3), true, true);
    in_group(&mut world, 4, shared(4), true, true);
    let both = [(reader_guid(4).prefix, shared(4)), (GuidPrefix::UNKNOWN, GROUP)];
    assert_eq!(destinations(&mut world), both);
    // One that drops what was overtaken.
    in_group(&mut world, 5, shared(5), false, true);
    let each = destinations(&mut world);
    assert!(each.len() == 4 && each.iter().all(|(_, locator)| *locator != GROUP), "{each:?}");
}

#[test]
fn what_a_group_loses_is_repaired_and_the_group_kept() {
    for seed in 1..20 {
        let mut world = World::new(seed, 30);
        let guids = [2, 3, 4].map(|number| in_group(&mut world, number, alone(number), true, true));
        let expected: Vec<_> = (0..200).map(|number| value(number, 40)).collect();
        for (number, bytes) in expected.iter().enumerate() {
            world.write(bytes.clone());
            if number % 10 == 0 {
                world.flush();
            }
        }
        world.settle();
        assert!(guids.iter().all(|guid| world.readers[guid].got == expected));
        assert_eq!(world.writer.statistics().groups_given_up, 0);
    }
}

#[test]
fn a_group_that_carries_nothing_is_given_up_for_the_reader_and_nothing_is_lost() {
    let mut world = World::new(4, 0);
    let guids = [2, 3, 4].map(|number| in_group(&mut world, number, alone(number), true, true));
    world.deaf.insert(guids[1]);
    let expected: Vec<_> = (0..40).map(|number| value(number, 40)).collect();
    for bytes in &expected {
        world.write(bytes.clone());
        world.settle();
    }
    assert!(guids.iter().all(|guid| world.readers[guid].got == expected));
    let statistics = world.writer.statistics();
    assert_eq!(statistics.groups_given_up, 1);
    assert!(statistics.repairs <= u64::from(crate::timing::GROUP_GIVEN_UP_AFTER), "{statistics:?}");
    let both = [(guids[1].prefix, alone(3)), (GuidPrefix::UNKNOWN, GROUP)];
    assert_eq!(destinations(&mut world), both);
}

/// What is lost by another way says nothing of the group, and what is asked for again no more than the first time.
#[test]
fn only_what_went_to_the_group_counts_and_that_once() {
    let mut world = World::new(5, 0);
    let first = in_group(&mut world, 2, alone(2), true, true);
    let lack = |world: &mut World, count: i32| {
        let base = world.writer.history().last_number();
        let mut reader_sn_state = SequenceNumberSet::new(base);
        assert!(reader_sn_state.insert(base));
        let (writer_id, reader_id) = (WRITER.entity_id, first.entity_id);
        let count = Count(1_000 + count);
        let acknack = AckNack { writer_id, reader_id, reader_sn_state, count, is_final: false };
        world.writer.handle_ack_nack(world.now, first.prefix, &acknack);
        world.writer.statistics().groups_given_up
    };
    let write = |world: &mut World| {
        world.write(value(1, 40));
        while world.writer.poll_transmit(world.now, &mut Datagram::new()).is_some() {}
    };
    for count in 0..10 {
        write(&mut world);
        assert_eq!(lack(&mut world, count), 0, "one reader is sent to by itself");
    }
    in_group(&mut world, 3, alone(3), true, true);
    write(&mut world);
    for count in 10..20 {
        assert_eq!(lack(&mut world, count), 0, "it asks again");
    }
    for count in 20..=22 {
        write(&mut world);
        assert_eq!(lack(&mut world, count), u64::from(count >= 21));
    }
}
