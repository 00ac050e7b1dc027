//! One UDP socket: vectored, segmented and batched sends; coalesced receives.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use crate::config::Offload;
use crate::error::SendError;
use crate::sys;

/// The largest payload of an IPv4 UDP datagram: 65,535 less 20 bytes of IP and 8 of UDP header.
pub const MAX_UDP_PAYLOAD: usize = 65_507;

/// A receive buffer of this size truncates nothing, not even a coalesced receive.
pub const RECEIVE_BUFFER_SIZE: usize = 65_535;

/// How a socket is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketConfig {
    /// Receive buffer asked for, in bytes.
    pub receive_buffer: usize,
    /// Send buffer asked for, in bytes.
    pub send_buffer: usize,
    /// Time to live (hop limit) of multicast datagrams.
    pub multicast_ttl: u8,
    /// Whether GSO and GRO are tried.
    pub offload: Offload,
}

/// Socket buffer sizes granted, in bytes as the application counts them (Linux doubles and reports double).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSizes {
    /// Receive buffer.
    pub receive: usize,
    /// Send buffer.
    pub send: usize,
}

/// Options of one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendOptions {
    /// Differentiated services code point, 0 to 63 (TRANSPORT_PRIORITY maps to it). `None`: the socket's.
    pub dscp: Option<u8>,
    /// Index of the interface to leave by. `None`: by route; for multicast the system's default interface.
    pub interface: Option<u32>,
    /// Source address to use with `interface`. `None`: chosen by the system.
    pub source: Option<IpAddr>,
    /// Send the pieces as several datagrams of this many bytes each, the last one may be shorter. `None`: as
    /// one datagram. At most 64 KiB in all leave in one system call.
    pub segment_size: Option<u16>,
}

/// One message of a batch.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingDatagram<'a> {
    /// Where to.
    pub destination: SocketAddr,
    /// The bytes, in pieces.
    pub pieces: &'a [IoSlice<'a>],
    /// Options of this message.
    pub options: SendOptions,
}

/// What one receive brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes written into the buffer.
    pub length: usize,
    /// Length of each datagram in the buffer (the last may be shorter) if several were coalesced.
    pub segment_size: Option<u16>,
    /// Whether the buffer was too small and the rest is lost.
    pub truncated: bool,
    /// Who sent it.
    pub source: SocketAddr,
    /// The address it was sent to, a group for multicast; where the system tells.
    pub destination: Option<IpAddr>,
    /// Index of the interface it came by; where the system tells.
    pub interface: Option<u32>,
}

impl Received {
    /// The datagrams in `buffer`, which is the one given to the receive.
    ///
    /// ```
    /// # use dds_transport::Received;
    /// # let source = "127.0.0.1:1".parse().unwrap();
    /// let received = Received {
    ///     length: 5, segment_size: Some(2), truncated: false, source, destination: None, interface: None,
    /// };
    /// let datagrams: Vec<&[u8]> = received.datagrams(b"aabbc---").collect();
    /// assert_eq!(datagrams, [b"aa".as_slice(), b"bb", b"c"]);
    /// ```
    pub fn datagrams<'b>(&self, buffer: &'b [u8]) -> std::slice::Chunks<'b, u8> {
        let bytes = buffer.get(..self.length).unwrap_or(buffer);
        let size = self.segment_size.map_or(self.length, usize::from).max(1);
        bytes.chunks(size)
    }
}

/// A non-blocking UDP socket. All calls take `&self` and may be made from several threads.
#[derive(Debug)]
pub struct UdpSocket {
    socket: Socket,
    local_address: SocketAddr,
    buffer_sizes: BufferSizes,
    backend: sys::SocketBackend,
}

impl UdpSocket {
    /// A socket that has `address` for itself: binding fails with [`io::ErrorKind::AddrInUse`] when another
    /// has it. Port 0 asks the system for a free one.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn exclusive(address: SocketAddr, config: &SocketConfig) -> io::Result<Self> {
        let socket = Self::create(address)?;
        Self::finish(socket, address, config)
    }

    /// A socket that receives the multicast datagrams sent to `port`, shared with other processes. It gets
    /// nothing before [`join`](Self::join).
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn multicast(group: IpAddr, port: u16, config: &SocketConfig) -> io::Result<Self> {
        let address = SocketAddr::new(sys::multicast_bind_address(group), port);
        let socket = Self::create(address)?;
        sys::share_port(&socket)?;
        Self::finish(socket, address, config)
    }

    fn create(address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        Ok(socket)
    }

    fn finish(socket: Socket, address: SocketAddr, config: &SocketConfig) -> io::Result<Self> {
        if address.is_ipv4() {
            socket.set_multicast_ttl_v4(u32::from(config.multicast_ttl))?;
            socket.set_multicast_loop_v4(true)?;
        } else {
            socket.set_multicast_hops_v6(u32::from(config.multicast_ttl))?;
            socket.set_multicast_loop_v6(true)?;
        }
        let buffer_sizes = sys::size_buffers(&socket, config.receive_buffer, config.send_buffer)?;
        // Set up before binding, so that nothing arrives without its control messages.
        let backend = sys::SocketBackend::prepare(&socket, address, config.offload)?;
        socket.bind(&address.into())?;
        let local_address = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok(Self { socket, local_address, buffer_sizes, backend })
    }

    /// The address it is bound to.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// The buffers granted.
    #[must_use]
    pub fn buffer_sizes(&self) -> BufferSizes {
        self.buffer_sizes
    }

    /// Whether segmented sends leave in one system call (as far as the path allows).
    #[must_use]
    pub fn segments_in_kernel(&self) -> bool {
        self.backend.segments_in_kernel()
    }

    /// Receives what is sent to `group` and arrives by the interface. Joining twice is no error.
    ///
    /// # Errors
    /// What the operating system reports, e.g. an interface that is gone.
    pub fn join(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        let result = match group {
            IpAddr::V4(group) => {
                self.socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))
            }
            IpAddr::V6(group) => self.socket.join_multicast_v6(&group, interface),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()),
            other => other,
        }
    }

    /// Undoes [`join`](Self::join). Leaving a group not joined is no error.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn leave(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        let result = match group {
            IpAddr::V4(group) => {
                self.socket.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))
            }
            IpAddr::V6(group) => self.socket.leave_multicast_v6(&group, interface),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(()),
            other => other,
        }
    }

    /// Sends the pieces, one after the other, as one datagram, or as several with
    /// [`segment_size`](SendOptions::segment_size). Returns the bytes that left: fewer than given only when
    /// segments had to be sent one by one and a later one failed; those after it were not sent.
    ///
    /// # Errors
    /// [`SendError`], per cause. Nothing was sent then.
    #[inline]
    pub fn send_to(
        &self,
        destination: SocketAddr,
        pieces: &[IoSlice<'_>],
        options: &SendOptions,
    ) -> Result<usize, SendError> {
        self.backend.send(&self.socket, destination, pieces, options)
    }

    /// Sends the messages in order, many to a system call where possible. Returns how many left, at least
    /// one unless `messages` is empty.
    ///
    /// # Errors
    /// [`SendError`] of the first message; none was sent. The caller decides whether to skip it.
    pub fn send_batch(&self, messages: &[OutgoingDatagram<'_>]) -> Result<usize, SendError> {
        self.backend.send_batch(&self.socket, messages)
    }

    /// Receives one datagram, or several of one size from one sender if the system coalesced them. `None`:
    /// nothing is waiting. `buffer` should have [`RECEIVE_BUFFER_SIZE`] bytes.
    ///
    /// # Errors
    /// What the operating system reports, except for errors that concern an earlier send (ICMP), which are
    /// skipped.
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.backend.receive(&self.socket, buffer)
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
