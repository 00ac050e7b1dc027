//! Sockets by socket2 and std alone.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use socket2::{SockAddr, Socket};

use crate::config::Offload;
use crate::error::SendError;
use crate::socket::{BufferSizes, OutgoingDatagram, Received, SendOptions};
use crate::sys::unix::{classify, for_each_chunk};

/// The wildcard: not every system can bind a group.
pub(crate) fn multicast_bind_address(group: IpAddr) -> IpAddr {
    match group {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Asks for socket buffers, never for less than there is.
pub(crate) fn size_buffers(socket: &Socket, receive: usize, send: usize) -> io::Result<BufferSizes> {
    // Too large a size is refused by some systems, lowered by others; the default then stays.
    if socket.recv_buffer_size()? < receive {
        let _ = socket.set_recv_buffer_size(receive);
    }
    if socket.send_buffer_size()? < send {
        let _ = socket.set_send_buffer_size(send);
    }
    Ok(BufferSizes { receive: socket.recv_buffer_size()?, send: socket.send_buffer_size()? })
}

/// What a send last set on the socket. Without control messages the outgoing interface and the traffic class
/// are state of the socket, so setting and sending happen under one lock.
#[derive(Debug, Default)]
struct SocketState {
    interface: Option<(u32, Option<IpAddr>)>,
    dscp: Option<u8>,
}

/// What the portable part keeps of a socket.
#[derive(Debug)]
pub(crate) struct SocketBackend {
    state: Mutex<SocketState>,
}

impl SocketBackend {
    pub(crate) fn prepare(_socket: &Socket, _address: SocketAddr, _offload: Offload) -> io::Result<Self> {
        Ok(Self { state: Mutex::default() })
    }

    pub(crate) fn segments_in_kernel(&self) -> bool {
        false
    }

    pub(crate) fn send(
        &self,
        socket: &Socket,
        destination: SocketAddr,
        pieces: &[IoSlice<'_>],
        options: &SendOptions,
    ) -> Result<usize, SendError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.apply(socket, destination, options).map_err(classify)?;
        let address = SockAddr::from(destination);
        let send = |pieces: &[IoSlice<'_>]| send_once(socket, &address, pieces);
        match options.segment_size {
            Some(size) if size > 0 => for_each_chunk(pieces, usize::from(size), send),
            _ => send(pieces),
        }
    }

    pub(crate) fn send_batch(
        &self,
        socket: &Socket,
        messages: &[OutgoingDatagram<'_>],
    ) -> Result<usize, SendError> {
        for (sent, message) in messages.iter().enumerate() {
            match self.send(socket, message.destination, message.pieces, &message.options) {
                Ok(_) => {}
                Err(_) if sent > 0 => return Ok(sent),
                Err(error) => return Err(error),
            }
        }
        Ok(messages.len())
    }

    pub(crate) fn receive(&self, socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let room = buffer.len();
        // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, and receiving writes initialised bytes only.
        let uninit =
            unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<MaybeUninit<u8>>(), room) };
        loop {
            match socket.recv_from(uninit) {
                Ok((length, source)) => {
                    let Some(source) = source.as_socket() else { continue };
                    return Ok(Some(Received {
                        length,
                        segment_size: None,
                        // Truncation is silent here: an exactly full buffer is suspect.
                        truncated: length == room && room < crate::socket::MAX_UDP_PAYLOAD,
                        source,
                        destination: None,
                        interface: None,
                    }));
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(None),
                    io::ErrorKind::Interrupted
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable => {}
                    _ => return Err(error),
                },
            }
        }
    }
}

impl SocketState {
    fn apply(&mut self, socket: &Socket, destination: SocketAddr, options: &SendOptions) -> io::Result<()> {
        if destination.ip().is_multicast() {
            let interface = options.interface.map(|index| (index, options.source));
            if let Some((index, source)) = interface
                && self.interface != interface
            {
                match (destination, source) {
                    (SocketAddr::V4(_), Some(IpAddr::V4(address))) => socket.set_multicast_if_v4(&address)?,
                    (SocketAddr::V4(_), _) => {
                        socket.set_multicast_if_v4(&interface_address(index)?)?;
                    }
                    (SocketAddr::V6(_), _) => socket.set_multicast_if_v6(index)?,
                }
                self.interface = interface;
            }
        }
        if let Some(dscp) = options.dscp
            && self.dscp != Some(dscp)
        {
            if destination.is_ipv4() {
                socket.set_tos_v4(u32::from(dscp) << 2)?;
            } else {
                socket.set_tclass_v6(u32::from(dscp) << 2)?;
            }
            self.dscp = Some(dscp);
        }
        Ok(())
    }
}

fn interface_address(index: u32) -> io::Result<Ipv4Addr> {
    let interfaces = super::super::enumerate_interfaces()?;
    let addresses = interfaces.iter().filter(|interface| interface.index == index);
    addresses
        .flat_map(|interface| &interface.addresses)
        .find_map(|own| match own.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn send_once(socket: &Socket, address: &SockAddr, pieces: &[IoSlice<'_>]) -> Result<usize, SendError> {
    let mut is_retry = false;
    loop {
        match socket.send_to_vectored(pieces, address) {
            Ok(sent) => return Ok(sent),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && !is_retry => is_retry = true,
            Err(error) => return Err(classify(error)),
        }
    }
}
