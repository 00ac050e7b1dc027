//! Participants that do not exist, and victims that never asked.

use std::net::{Ipv4Addr, SocketAddrV4};

use dds_core::DdsType;
use dds_rtps::time::Duration;

use crate::{
    allocation::held,
    common::{Numbered, millis, seconds},
    forge,
    scene::Scene,
};
use dds_types::TopicType;

#[test]
fn a_hundred_thousand_forged_participants_take_bounded_memory_and_interrupt_nobody() {
    let mut scene = Scene::new(121);
    let target = scene.metatraffic_address();
    let before = held();
    let mut most = 0;
    for number in 0..100_000_u32 {
        let at = SocketAddrV4::new(Ipv4Addr::from_bits(0x0b00_0000 | number), 7410);
        let message = forge::announcement(forge::prefix(number), &[at], Duration::from_secs(1000));
        scene.bad.socket.send_as(at, target, &message);
        if number.is_multiple_of(100) {
            scene.serve();
            most = most.max(held().wrapping_sub(before) as isize);
        }
    }
    scene.serve();
    scene.check_uninterrupted();
    let known = scene.target.discovered_participants().len();
    let statistics = scene.target.statistics().discovery;
    println!("at most {most} bytes held, {known} known, {statistics:?}");
    assert!(known <= 2000, "{known}");
    assert!(statistics.participants_evicted + statistics.participants_refused >= 98_000);
    assert!(most < 32 << 20, "{most} bytes held");

    // An honest newcomer still gets in.
    let newcomer = scene.sim.participant(0);
    let reader = newcomer.topic::<Numbered>("There").unwrap().reader().reliable().keep_all().build().unwrap();
    let started = scene.sim.now();
    scene.sim.block_on(reader.matched(1));
    scene.sim.block_on(scene.writers[0].matched(2));
    assert!(scene.sim.now() - started < seconds(1), "{:?}", scene.sim.now() - started);
}

#[derive(DdsType)]
struct Large {
    bytes: Vec<u8>,
}

#[test]
fn a_victim_named_by_forged_announcements_gets_at_most_three_times_what_was_forged() {
    let mut scene = Scene::new(122);
    let target = scene.metatraffic_address();
    let victim = scene.sim.socket(scene.sim.host(), 7410).unwrap();
    let writer =
        scene.target.topic::<Large>("Large").unwrap().writer().reliable().keep_last(1).build().unwrap();
    let (mut forged, mut reflected) = (0, 0);
    let mut look = |forged: usize| {
        while let Some(received) = victim.receive() {
            reflected += received.bytes.len();
        }
        assert!(reflected <= 3 * forged, "{reflected} bytes for {forged}");
        reflected
    };
    for number in 0..20 {
        let prefix = forge::prefix(number);
        let at = [victim.address(); 16];
        let mut messages = vec![forge::announcement(prefix, &at, Duration::from_secs(60))];
        messages.extend((1..20).map(|key| forge::reader(prefix, key, "Large", &Large::type_name())));
        for message in messages {
            // From the victim's own address too: then everything fits together, but for the answers.
            let source = if number % 2 == 0 { victim.address() } else { scene.bad.socket.address() };
            scene.bad.socket.send_as(source, target, &message);
            forged += message.len();
            scene.sim.run_for(millis(3));
            look(forged);
        }
        for _ in 0..20 {
            writer.write(&Large { bytes: vec![7; 10_000] }).unwrap();
            scene.sim.run_for(millis(3));
            look(forged);
        }
        scene.serve();
    }
    scene.sim.run_for(seconds(30));
    let during = look(forged);
    scene.sim.run_for(seconds(60));
    let at_end = look(forged);
    scene.sim.run_for(seconds(300));
    println!("{forged} bytes forged, {during} reflected, {at_end} when the lease ended");
    assert!(during > 0, "the victim is announced to, so that the test would see more");
    assert_eq!(look(forged), at_end, "nothing after the lease");
    assert!(writer.matched_subscriptions().is_empty());
    scene.serve();
    scene.check_uninterrupted();
}
