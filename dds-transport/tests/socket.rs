//! Single sockets on 127.0.0.1, with ports the system chooses.

mod common;

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use common::{CONFIG, LOOPBACK, exclusive, loopback_index, receive};
use dds_transport::config::Offload;
use dds_transport::socket::RECEIVE_BUFFER_SIZE;
use dds_transport::{OutgoingDatagram, SendError, SendOptions, SocketConfig, UdpSocket};

const PLAIN: SendOptions = SendOptions { dscp: None, interface: None, source: None, segment_size: None };

#[test]
fn exclusive_sockets_do_not_share() {
    let first = exclusive();
    let error = UdpSocket::exclusive(first.local_address(), &CONFIG).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn pieces_arrive_as_one_datagram_with_packet_info() {
    let (sender, receiver) = (exclusive(), exclusive());
    let pieces = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"payload")];
    assert_eq!(sender.send_to(receiver.local_address(), &pieces, &PLAIN).unwrap(), 11);
    let mut buffer = [0; 64];
    let received = receive(&receiver, &mut buffer);
    assert_eq!(&buffer[..received.length], b"headpayload");
    assert_eq!(received.source, sender.local_address());
    assert_eq!(received.segment_size, None);
    assert!(!received.truncated);
    if cfg!(not(dds_transport_portable)) {
        assert_eq!(received.destination, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(received.interface, Some(loopback_index()));
    }
    assert_eq!(receiver.receive(&mut buffer).unwrap(), None);
}

#[test]
fn empty_datagram() {
    let (sender, receiver) = (exclusive(), exclusive());
    assert_eq!(sender.send_to(receiver.local_address(), &[], &PLAIN).unwrap(), 0);
    let received = receive(&receiver, &mut [0; 64]);
    assert_eq!(received.length, 0);
    assert_eq!(received.datagrams(&[0; 64]).count(), 0);
}

#[test]
fn truncation_is_reported() {
    let (sender, receiver) = (exclusive(), exclusive());
    sender.send_to(receiver.local_address(), &[IoSlice::new(&[7; 100])], &PLAIN).unwrap();
    let received = receive(&receiver, &mut [0; 40]);
    assert!(received.truncated);
    assert_eq!(received.length, 40);
}

#[test]
fn largest_and_too_large_datagram() {
    let (sender, receiver) = (exclusive(), exclusive());
    let bytes = vec![3; 65_508];
    let error = sender.send_to(receiver.local_address(), &[IoSlice::new(&bytes)], &PLAIN).unwrap_err();
    assert!(matches!(error, SendError::TooLarge), "{error:?}");
    let largest = [IoSlice::new(&bytes[..65_507])];
    assert_eq!(sender.send_to(receiver.local_address(), &largest, &PLAIN).unwrap(), 65_507);
    let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
    let received = receive(&receiver, &mut buffer);
    assert_eq!((received.length, received.truncated), (65_507, false));
}

#[test]
fn sending_to_a_closed_port_neither_fails_nor_kills_the_socket() {
    let (sender, receiver) = (exclusive(), exclusive());
    let closed = exclusive().local_address();
    for _ in 0..3 {
        sender.send_to(closed, &[IoSlice::new(b"lost")], &PLAIN).unwrap();
    }
    assert_eq!(sender.receive(&mut [0; 64]).unwrap(), None);
    sender.send_to(receiver.local_address(), &[IoSlice::new(b"kept")], &PLAIN).unwrap();
    assert_eq!(receive(&receiver, &mut [0; 64]).length, 4);
}

/// A train of numbered segments, cut into pieces that do not respect the segments' bounds.
fn train_arrives(sender: &UdpSocket, receiver: &UdpSocket, segment: u16, total: usize, piece: usize) {
    let bytes: Vec<u8> = (0..total).map(|at| (at / usize::from(segment)) as u8).collect();
    let pieces: Vec<IoSlice<'_>> = bytes.chunks(piece).map(IoSlice::new).collect();
    let options = SendOptions { segment_size: Some(segment), ..PLAIN };
    let sent = sender.send_to(receiver.local_address(), &pieces, &options).unwrap();
    assert_eq!(sent, total);
    let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
    let mut datagrams = Vec::new();
    while datagrams.iter().map(Vec::len).sum::<usize>() < total {
        let received = receive(receiver, &mut buffer);
        assert!(!received.truncated);
        datagrams.extend(received.datagrams(&buffer).map(<[u8]>::to_vec));
    }
    let expected: Vec<&[u8]> = bytes.chunks(usize::from(segment)).collect();
    assert_eq!(datagrams, expected);
}

#[test]
fn segmented_train() {
    let (sender, receiver) = (exclusive(), exclusive());
    train_arrives(&sender, &receiver, 1000, 10_500, 333);
    train_arrives(&sender, &receiver, 1000, 10_000, 10_000);
    train_arrives(&sender, &receiver, 1000, 999, 500);
    train_arrives(&sender, &receiver, 1000, 1000, 1000);
}

#[test]
fn train_beyond_64_segments_and_64_kib() {
    let (sender, receiver) = (exclusive(), exclusive());
    train_arrives(&sender, &receiver, 100, 20_050, 7_000);
    train_arrives(&sender, &receiver, 1400, 150_000, 9_999);
    train_arrives(&sender, &receiver, 60_000, 130_000, 50_000);
}

#[test]
fn train_without_offload() {
    let without = SocketConfig { offload: Offload::Disabled, ..CONFIG };
    let sender = UdpSocket::exclusive(LOOPBACK, &without).unwrap();
    assert!(!sender.segments_in_kernel());
    let receiver = exclusive();
    train_arrives(&sender, &receiver, 1000, 10_500, 333);
    // And from a sender with offload to a receiver without.
    let receiver = UdpSocket::exclusive(LOOPBACK, &without).unwrap();
    train_arrives(&exclusive(), &receiver, 1000, 10_500, 333);
}

#[test]
#[cfg(not(dds_transport_portable))]
fn a_train_is_one_receive() {
    let (sender, receiver) = (exclusive(), exclusive());
    assert!(sender.segments_in_kernel());
    let options = SendOptions { segment_size: Some(1000), ..PLAIN };
    sender.send_to(receiver.local_address(), &[IoSlice::new(&[1; 5500])], &options).unwrap();
    let received = receive(&receiver, &mut vec![0; RECEIVE_BUFFER_SIZE]);
    assert_eq!((received.length, received.segment_size), (5500, Some(1000)));
}

#[test]
fn batch_to_several_destinations() {
    let sender = exclusive();
    let receivers: Vec<UdpSocket> = (0..40).map(|_| exclusive()).collect();
    let bytes: Vec<[u8; 1]> = (0..40).map(|at| [at]).collect();
    let pieces: Vec<[IoSlice<'_>; 1]> = bytes.iter().map(|bytes| [IoSlice::new(bytes)]).collect();
    let messages: Vec<OutgoingDatagram<'_>> = receivers
        .iter()
        .zip(&pieces)
        .map(|(receiver, pieces)| OutgoingDatagram {
            destination: receiver.local_address(),
            pieces,
            options: SendOptions { dscp: Some(10), ..PLAIN },
        })
        .collect();
    assert_eq!(sender.send_batch(&messages).unwrap(), 40);
    for (receiver, expected) in receivers.iter().zip(&bytes) {
        let mut buffer = [0; 8];
        assert_eq!(receive(receiver, &mut buffer).length, 1);
        assert_eq!(buffer[0], expected[0]);
    }
    assert_eq!(sender.send_batch(&[]).unwrap(), 0);
}

#[test]
fn batch_stops_at_the_first_error() {
    let (sender, receiver) = (exclusive(), exclusive());
    let small = [IoSlice::new(b"ok")];
    let bytes = vec![0; 65_508];
    let large = [IoSlice::new(&bytes)];
    let to = |pieces| OutgoingDatagram { destination: receiver.local_address(), pieces, options: PLAIN };
    assert_eq!(sender.send_batch(&[to(&small), to(&small), to(&large), to(&small)]).unwrap(), 2);
    assert!(matches!(sender.send_batch(&[to(&large), to(&small)]), Err(SendError::TooLarge)));
}

#[test]
fn wrong_address_family_is_an_error() {
    let sender = exclusive();
    let destination: SocketAddr = "[::1]:9".parse().unwrap();
    assert!(sender.send_to(destination, &[IoSlice::new(b"x")], &PLAIN).is_err());
}

#[test]
fn unknown_interface_is_unreachable() {
    let sender = exclusive();
    let options = SendOptions { interface: Some(0x7fff_fff0), ..PLAIN };
    if cfg!(not(dds_transport_portable)) {
        let error = sender.send_to(exclusive().local_address(), &[IoSlice::new(b"x")], &options).unwrap_err();
        assert!(matches!(error, SendError::Unreachable(_)), "{error:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn dscp_is_in_the_header() {
    use socket2::{Domain, MaybeUninitSlice, MsgHdrMut, Socket, Type};
    let raw = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    raw.bind(&LOOPBACK.into()).unwrap();
    raw.set_recv_tos_v4(true).unwrap();
    raw.set_read_timeout(Some(common::PATIENCE)).unwrap();
    let destination = raw.local_addr().unwrap().as_socket().unwrap();
    let sender = exclusive();
    for (dscp, traffic_class) in [(Some(46), 46 << 2), (None, 0), (Some(8), 8 << 2)] {
        // Without control messages the class is the socket's state, so «none» is not «reset».
        if cfg!(dds_transport_portable) && dscp.is_none() {
            continue;
        }
        sender.send_to(destination, &[IoSlice::new(b"x")], &SendOptions { dscp, ..PLAIN }).unwrap();
        let mut bytes = [std::mem::MaybeUninit::uninit(); 8];
        let mut control = [std::mem::MaybeUninit::new(0); 64];
        let mut buffers = [MaybeUninitSlice::new(&mut bytes)];
        let mut header = MsgHdrMut::new().with_buffers(&mut buffers).with_control(&mut control);
        raw.recvmsg(&mut header, 0).unwrap();
        // One control message, whose first payload byte follows the 16-byte header.
        // SAFETY: the array was initialised with zeros.
        assert_eq!(unsafe { control[16].assume_init() }, traffic_class, "{dscp:?}");
    }
}

#[test]
fn multicast_on_loopback() {
    let group = IpAddr::V4(Ipv4Addr::new(239, 255, 0, 1));
    let lo = loopback_index();
    // A port that is free now and shared from then on.
    let first = UdpSocket::multicast(group, 0, &CONFIG).unwrap();
    let port = first.local_address().port();
    let second = UdpSocket::multicast(group, port, &CONFIG).unwrap();
    first.join(group, lo).unwrap();
    first.join(group, lo).unwrap();
    second.join(group, lo).unwrap();
    let sender = exclusive();
    let options = SendOptions { interface: Some(lo), source: Some(Ipv4Addr::LOCALHOST.into()), ..PLAIN };
    let destination = SocketAddr::new(group, port);
    sender.send_to(destination, &[IoSlice::new(b"hello")], &options).unwrap();
    let mut buffer = [0; 64];
    for receiver in [&first, &second] {
        let received = receive(receiver, &mut buffer);
        assert_eq!(received.length, 5);
        assert_eq!(received.source, sender.local_address());
        if cfg!(not(dds_transport_portable)) {
            assert_eq!((received.destination, received.interface), (Some(group), Some(lo)));
        }
    }
    second.leave(group, lo).unwrap();
    second.leave(group, lo).unwrap();
    sender.send_to(destination, &[IoSlice::new(b"hello")], &options).unwrap();
    assert_eq!(receive(&first, &mut buffer).length, 5);
    if cfg!(not(dds_transport_portable)) {
        assert_eq!(second.receive(&mut buffer).unwrap(), None);
    }
}

#[test]
fn segmented_train_to_a_group() {
    let group = IpAddr::V4(Ipv4Addr::new(239, 255, 0, 1));
    let lo = loopback_index();
    let receiver = UdpSocket::multicast(group, 0, &CONFIG).unwrap();
    receiver.join(group, lo).unwrap();
    let sender = exclusive();
    let options = SendOptions {
        interface: Some(lo),
        source: Some(Ipv4Addr::LOCALHOST.into()),
        segment_size: Some(500),
        ..PLAIN
    };
    let destination = SocketAddr::new(group, receiver.local_address().port());
    assert_eq!(sender.send_to(destination, &[IoSlice::new(&[9; 1700])], &options).unwrap(), 1700);
    let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
    let mut lengths = Vec::new();
    while lengths.iter().sum::<usize>() < 1700 {
        let received = receive(&receiver, &mut buffer);
        lengths.extend(received.datagrams(&buffer).map(<[u8]>::len));
    }
    assert_eq!(lengths, [500, 500, 500, 200]);
}

#[test]
fn buffers_are_never_made_smaller() {
    let little = SocketConfig { receive_buffer: 1, send_buffer: 1, ..CONFIG };
    let sizes = UdpSocket::exclusive(LOOPBACK, &little).unwrap().buffer_sizes();
    assert!(sizes.receive > 1024 && sizes.send > 1024, "{sizes:?}");
    let more = exclusive().buffer_sizes();
    assert!(more.receive >= sizes.receive && more.send >= sizes.send, "{more:?}");
}
