//! Protected participants understand each other, and nobody else does.

use std::{sync::Arc, time::Duration};

use dds_core::{
    DdsType, DomainParticipant,
    engine::{Opened, Protect},
    rtps::structure::{Guid, GuidPrefix},
    types::TopicType,
};

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Secret {
    #[dds(key)]
    id: u32,
    text: String,
    bulk: Vec<u8>,
}

/// No cipher, but it changes every byte and the length.
struct Scramble(u8);

const MAGIC: &[u8] = b"RTPSscrambled";

impl Scramble {
    fn turn(&self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend(bytes.iter().map(|byte| byte ^ self.0));
    }
}

impl Protect for Scramble {
    fn overhead(&self) -> usize {
        MAGIC.len() + 1
    }

    fn protect_payload(&self, _: Guid, payload: &mut Vec<u8>) {
        payload.iter_mut().for_each(|byte| *byte ^= self.0);
        payload.extend([self.0; 4]);
    }

    fn open_payload(&self, _: Guid, payload: &[u8], out: &mut Vec<u8>) -> Opened {
        match payload.split_last_chunk::<4>() {
            Some((rest, mark)) if *mark == [self.0; 4] => {
                self.turn(rest, out);
                Opened::Replaced
            }
            _ => Opened::Refused("the mark is missing"),
        }
    }

    fn protect_message(&self, destination: GuidPrefix, message: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(MAGIC);
        // A byte that differs by destination.
        out.push(destination.0[11]);
        self.turn(message, out);
        true
    }

    fn open_message(&self, message: &[u8], out: &mut Vec<u8>) -> Opened {
        match message.strip_prefix(MAGIC) {
            Some([_, rest @ ..]) => {
                self.turn(rest, out);
                Opened::Replaced
            }
            _ => Opened::Refused("not scrambled"),
        }
    }
}

#[test]
fn protection_at_all_levels_is_undone_on_the_other_side() {
    let patience = Duration::from_secs(10).into();
    let protected =
        || DomainParticipant::builder(74).loopback_only().protect(Arc::new(Scramble(0x5a))).build().unwrap();
    let (one, two) = (protected(), protected());
    let stranger = DomainParticipant::builder(74).loopback_only().build().unwrap();
    let outsider = stranger.topic::<Secret>("Secret").unwrap().reader().reliable().build().unwrap();
    let reader = two.topic::<Secret>("Secret").unwrap().reader().reliable().keep_all().build().unwrap();
    let writer = one.topic::<Secret>("Secret").unwrap().writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, patience).unwrap();
    let small = Secret { id: 1, text: "small".into(), bulk: vec![] };
    let large = Secret { id: 1, text: "large".into(), bulk: (0..200_000).map(|n| n as u8).collect() };
    for secret in [&small, &large] {
        writer.write(secret).unwrap();
        reader.wait_for_data(patience).unwrap();
        assert_eq!(reader.take().unwrap()[0].data(), Some(secret));
    }
    writer.dispose(&small).unwrap();
    reader.wait_for_data(patience).unwrap();
    assert_eq!(reader.take().unwrap()[0].key(), small.key());
    assert_eq!(outsider.subscription_matched_status().total_count, 0);
    assert!(stranger.discovered_participants().is_empty());
    // The stranger announces itself several times in its first second.
    let refused = || two.statistics().engine.refused_by_protection > 0;
    for _ in 0..200 {
        if refused() {
            break;
        }
        let _ = reader.wait_for_data(Duration::from_millis(50).into());
    }
    assert!(refused(), "the stranger's announcements");
}
