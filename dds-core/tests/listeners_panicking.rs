//! A listener that panics stops neither its participant nor itself.

use std::{
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use dds_core::{DataReader, DdsType, DomainParticipant, listener::DataReaderListener, status::StatusMask};

#[derive(DdsType, Clone, Debug)]
struct Order {
    number: u32,
}

struct Clumsy(Sender<u32>);

impl DataReaderListener<Order> for Clumsy {
    fn on_data_available(&self, reader: &DataReader<Order>) {
        for order in reader.take().unwrap().into_iter().filter_map(|sample| sample.into_data()) {
            self.0.send(order.number).unwrap();
            assert_ne!(order.number, 1, "this panic is part of the test");
        }
    }
}

#[test]
fn what_comes_after_a_panic_is_delivered() {
    let patience = Duration::from_secs(10);
    let participant = || DomainParticipant::builder(78).loopback_only().build().unwrap();
    let (one, two) = (participant(), participant());
    let reader = two.topic::<Order>("Order").unwrap().reader().reliable().keep_all().build().unwrap();
    let (sender, orders) = channel();
    reader.set_listener(Some(Arc::new(Clumsy(sender))), StatusMask::DATA_AVAILABLE);
    let writer = one.topic::<Order>("Order").unwrap().writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, patience.into()).unwrap();
    for number in 1..4 {
        writer.write(&Order { number }).unwrap();
        assert_eq!(orders.recv_timeout(patience), Ok(number));
    }
    writer.wait_for_acknowledgments(patience.into()).unwrap();
}
