//! A listener that waits for a thread which itself waits, with a time limit, in another call.

mod common;

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use common::{Domain, PATIENCE, Reading, reading};
use dds_core::{DataReader, error::ReturnCode, listener::DataReaderListener, status::StatusMask};

struct Blocking {
    entered: Sender<()>,
    released: Mutex<Receiver<()>>,
    left: Sender<bool>,
}

impl DataReaderListener<Reading> for Blocking {
    fn on_data_available(&self, _: &DataReader<Reading>) {
        self.entered.send(()).unwrap();
        let released = self.released.lock().unwrap().recv_timeout(PATIENCE).is_ok();
        self.left.send(released).unwrap();
    }
}

#[test]
fn a_wait_ends_in_time_while_the_receiving_thread_is_in_a_listener() {
    let domain = Domain::new(86);
    let (one, two) = (domain.participant(), domain.participant());
    let writer = one.topic::<Reading>("Blocking").unwrap().writer().build().unwrap();
    let reader = two.topic::<Reading>("Blocking").unwrap().reader().build().unwrap();
    let idle = two.topic::<Reading>("Idle").unwrap().reader().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    let ((entered, in_listener), (release, released), (left, was_released)) =
        (channel(), channel(), channel());
    let listener = Blocking { entered, released: Mutex::new(released), left };
    reader.set_listener(Some(Arc::new(listener)), StatusMask::DATA_AVAILABLE);
    writer.write(&reading(1, 1)).unwrap();
    in_listener.recv_timeout(PATIENCE).unwrap();
    let error = idle.wait_for_data(Duration::from_millis(20).into()).unwrap_err();
    assert_eq!(error.return_code(), ReturnCode::Timeout);
    release.send(()).unwrap();
    assert!(was_released.recv_timeout(PATIENCE).unwrap(), "the wait lasted as long as the listener");
}
