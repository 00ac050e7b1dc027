//! Setting up and receiving.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicBool;

use socket2::Socket;

use super::check;
use super::control::{ControlBuffer, RawAddress, ReceiveControl};
use super::refusals::Refusals;
use crate::config::Offload;
use crate::socket::{BufferSizes, Received};

/// The address that receives a group's datagrams. IPv4: the group itself, which keeps unicast datagrams out.
/// IPv6: the wildcard, because a link-local group binds to a single interface.
pub(crate) fn multicast_bind_address(group: IpAddr) -> IpAddr {
    match group {
        IpAddr::V4(_) => group,
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Asks for socket buffers, beyond the system's limit if we may, never for less than there is.
pub(crate) fn size_buffers(socket: &Socket, receive: usize, send: usize) -> io::Result<BufferSizes> {
    // The kernel doubles what is asked for, to make up for its own bookkeeping, and reports the double.
    if socket.recv_buffer_size()? / 2 < receive && set_size(socket, libc::SO_RCVBUFFORCE, receive).is_err() {
        set_size(socket, libc::SO_RCVBUF, receive)?;
    }
    if socket.send_buffer_size()? / 2 < send && set_size(socket, libc::SO_SNDBUFFORCE, send).is_err() {
        set_size(socket, libc::SO_SNDBUF, send)?;
    }
    Ok(BufferSizes { receive: socket.recv_buffer_size()? / 2, send: socket.send_buffer_size()? / 2 })
}

fn set_size(socket: &Socket, option: libc::c_int, size: usize) -> io::Result<()> {
    let size = libc::c_int::try_from(size).unwrap_or(libc::c_int::MAX / 2);
    set_option(socket, libc::SOL_SOCKET, option, size)
}

fn set_option(
    socket: &Socket,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is a valid int of the given length.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), length) })?;
    Ok(())
}

/// What the Linux part keeps of a socket.
#[derive(Debug)]
pub(crate) struct SocketBackend {
    /// Whether sends with UDP_SEGMENT are tried; cleared when the kernel does not know it.
    pub(super) segmentation: AtomicBool,
    pub(super) refusals: Refusals,
}

impl SocketBackend {
    pub(crate) fn prepare(socket: &Socket, address: SocketAddr, offload: Offload) -> io::Result<Self> {
        // Deliver only groups joined on this very socket, not those of other sockets of the host.
        if address.is_ipv4() {
            set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
            set_option(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_ALL, 0)?;
        } else {
            set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
            // Linux 4.20; without it there are merely datagrams too many.
            let _ = set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_ALL, 0);
        }
        let segmentation = match offload {
            Offload::Disabled => false,
            Offload::Automatic => {
                // Linux 5.0; without it datagrams come one by one.
                let _ = set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1);
                // Linux 4.18; 0 is the value every socket starts with.
                set_option(socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok()
            }
        };
        Ok(Self { segmentation: AtomicBool::new(segmentation), refusals: Refusals::default() })
    }

    #[inline]
    pub(crate) fn receive(&self, socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        loop {
            match receive_once(socket.as_raw_fd(), buffer) {
                Ok(received) => return Ok(received),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => return Ok(None),
                    Some(libc::EINTR) => {}
                    // An ICMP message about an earlier send; reporting it has cleared it.
                    Some(
                        libc::ECONNREFUSED
                        | libc::EHOSTUNREACH
                        | libc::ENETUNREACH
                        | libc::EHOSTDOWN
                        | libc::EPROTO
                        | libc::ENOPROTOOPT
                        | libc::EMSGSIZE,
                    ) => {}
                    _ => return Err(error),
                },
            }
        }
    }
}

#[inline]
fn receive_once(descriptor: libc::c_int, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    let mut address = RawAddress::empty();
    let mut control = ControlBuffer::new();
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero is a valid msghdr.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    address.attach(&mut header, size_of::<RawAddress>() as libc::socklen_t);
    header.msg_iov = &mut vector;
    header.msg_iovlen = 1;
    control.attach_room(&mut header);
    // SAFETY: the header points to live buffers of the lengths it says: the address, one iovec over
    // `buffer`, and the control buffer.
    let length = unsafe { libc::recvmsg(descriptor, &mut header, 0) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: recvmsg succeeded and `control` lives.
    let said = unsafe { ReceiveControl::read(&header) };
    let Some(source) = address.get() else { return Ok(None) };
    Ok(Some(Received {
        length,
        // The kernel names the size also for a single datagram; then it says nothing.
        segment_size: said.segment_size.filter(|&size| usize::from(size) < length),
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
        source,
        destination: said.destination,
        interface: said.interface,
    }))
}
