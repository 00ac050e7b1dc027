//! Listeners that cause each other's calls, from two threads at once, do not block each other.

use std::{
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, listener::DataReaderListener, status::StatusMask,
};

#[derive(DdsType, Clone, Debug)]
struct Ball {
    bounces: u32,
}

/// Sends each ball back on the other topic until it has bounced enough.
struct Bounce {
    back: DataWriter<Ball>,
    done: Sender<u32>,
}

const BOUNCES: u32 = 200;

impl DataReaderListener<Ball> for Bounce {
    fn on_data_available(&self, reader: &DataReader<Ball>) {
        for sample in reader.take().unwrap() {
            let Some(ball) = sample.into_data() else { continue };
            if ball.bounces == BOUNCES {
                let _ = self.done.send(ball.bounces);
            } else {
                self.back.write(&Ball { bounces: ball.bounces + 1 }).unwrap();
            }
        }
    }
}

#[test]
fn balls_thrown_from_two_sides_at_once_all_come_down() {
    let participant = DomainParticipant::builder(75).loopback_only().build().unwrap();
    let (left, right) =
        (participant.topic::<Ball>("Left").unwrap(), participant.topic::<Ball>("Right").unwrap());
    let writer = |topic: &dds_core::Topic<Ball>| topic.writer().reliable().keep_all().build().unwrap();
    let (to_left, to_right) = (writer(&left), writer(&right));
    let (sender, done) = channel();
    let reader = |topic: &dds_core::Topic<Ball>, back: &DataWriter<Ball>| {
        let reader = topic.reader().reliable().keep_all().build().unwrap();
        let bounce = Bounce { back: back.clone(), done: sender.clone() };
        reader.set_listener(Some(Arc::new(bounce)), StatusMask::DATA_AVAILABLE);
        reader
    };
    let (at_left, at_right) = (reader(&left, &to_right), reader(&right, &to_left));
    let patience = Duration::from_secs(10);
    to_left.wait_matched(1, patience.into()).unwrap();
    to_right.wait_matched(1, patience.into()).unwrap();
    const BALLS: usize = 20;
    let throwers: Vec<_> = [&to_left, &to_right]
        .map(|writer| {
            let writer = writer.clone();
            thread::spawn(move || {
                for _ in 0..BALLS {
                    writer.write(&Ball { bounces: 0 }).unwrap();
                }
            })
        })
        .into();
    for thrower in throwers {
        thrower.join().unwrap();
    }
    for _ in 0..2 * BALLS {
        assert_eq!(done.recv_timeout(patience), Ok(BOUNCES));
    }
    at_left.set_listener(None, StatusMask::NONE);
    at_right.set_listener(None, StatusMask::NONE);
}
