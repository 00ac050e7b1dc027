//! Control messages (cmsg(3)) and socket addresses as the kernel has them.

use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::socket::SendOptions;

/// Room for everything asked for in either direction: packet info (40 bytes for IPv6), traffic class and
/// segment size (24 each).
const CAPACITY: usize = 96;

/// A buffer of control messages, aligned for their headers.
#[repr(C, align(8))]
pub(super) struct ControlBuffer {
    bytes: [MaybeUninit<u8>; CAPACITY],
    length: usize,
}

impl ControlBuffer {
    /// Empty, for a receive or for [`push`](Self::push).
    #[inline]
    pub(super) fn new() -> Self {
        Self { bytes: [MaybeUninit::uninit(); CAPACITY], length: 0 }
    }

    /// The control messages of a send, for a destination of the given family.
    #[inline]
    pub(super) fn for_send(destination: &SocketAddr, options: &SendOptions) -> Self {
        let mut control = Self::new();
        if options.interface.is_some() || options.source.is_some() {
            control.push_packet_info(destination, options);
        }
        if let Some(dscp) = options.dscp {
            // The code point is the upper six bits of the traffic class octet (RFC 2474).
            let class = libc::c_int::from(dscp << 2);
            if destination.is_ipv4() {
                control.push(libc::IPPROTO_IP, libc::IP_TOS, class);
            } else {
                control.push(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, class);
            }
        }
        if let Some(size) = options.segment_size {
            control.push(libc::SOL_UDP, libc::UDP_SEGMENT, size);
        }
        control
    }

    fn push_packet_info(&mut self, destination: &SocketAddr, options: &SendOptions) {
        let index = options.interface.unwrap_or(0);
        if destination.is_ipv4() {
            let source = match options.source {
                Some(IpAddr::V4(address)) => address.to_bits().to_be(),
                _ => 0,
            };
            let info = libc::in_pktinfo {
                ipi_ifindex: index.cast_signed(),
                ipi_spec_dst: libc::in_addr { s_addr: source },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, info);
        } else {
            let source = match options.source {
                Some(IpAddr::V6(address)) => address.octets(),
                _ => [0; 16],
            };
            let info =
                libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: source }, ipi6_ifindex: index };
            self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        }
    }

    fn push<T: Copy>(&mut self, level: libc::c_int, kind: libc::c_int, value: T) {
        let size = size_of::<T>() as libc::c_uint;
        // SAFETY: computes a length only.
        let (length, space) = unsafe { (libc::CMSG_LEN(size), libc::CMSG_SPACE(size)) };
        let end = self.length + space as usize;
        assert!(end <= CAPACITY, "the capacity counts every message this module writes");
        // SAFETY: `end` is within the buffer, so header and data are; the buffer is 8-aligned and `length`
        // a multiple of the header's alignment because CMSG_SPACE rounds up to it.
        unsafe {
            let header = self.bytes.as_mut_ptr().add(self.length).cast::<libc::cmsghdr>();
            (*header).cmsg_len = length as _;
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        }
        self.length = end;
    }

    /// Puts the messages written so far into a header; the buffer must not move before the header is used.
    #[inline]
    pub(super) fn attach_written(&mut self, header: &mut libc::msghdr) {
        header.msg_controllen = self.length as _;
        header.msg_control =
            if self.length == 0 { std::ptr::null_mut() } else { self.bytes.as_mut_ptr().cast() };
    }

    /// Offers the whole buffer to a receive; it must not move before the header is used.
    #[inline]
    pub(super) fn attach_room(&mut self, header: &mut libc::msghdr) {
        header.msg_control = self.bytes.as_mut_ptr().cast();
        header.msg_controllen = CAPACITY as _;
    }
}

/// What the control messages of a receive say.
#[derive(Default)]
pub(super) struct ReceiveControl {
    pub(super) destination: Option<IpAddr>,
    pub(super) interface: Option<u32>,
    pub(super) segment_size: Option<u16>,
}

impl ReceiveControl {
    /// Reads the control messages.
    ///
    /// # Safety
    /// `header` was filled by a successful `recvmsg` and its control buffer still lives.
    #[inline]
    pub(super) unsafe fn read(header: &libc::msghdr) -> Self {
        let mut control = Self::default();
        // SAFETY: the caller's promise; the kernel wrote whole messages within `msg_controllen`.
        let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
        // SAFETY: null or a message within the buffer.
        while let Some(message) = unsafe { next.as_ref() } {
            // SAFETY: each kind has the payload type its manual page gives (ip(7), ipv6(7), udp(7)); read
            // unaligned, as payloads follow headers without promise.
            unsafe {
                let data = libc::CMSG_DATA(message);
                match (message.cmsg_level, message.cmsg_type) {
                    (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                        let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                        let address = Ipv4Addr::from_bits(u32::from_be(info.ipi_addr.s_addr));
                        control.destination = Some(address.into());
                        control.interface = Some(info.ipi_ifindex.cast_unsigned());
                    }
                    (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                        let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                        control.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                        control.interface = Some(info.ipi6_ifindex);
                    }
                    (libc::SOL_UDP, libc::UDP_GRO) => {
                        let size = data.cast::<libc::c_int>().read_unaligned();
                        control.segment_size = u16::try_from(size).ok().filter(|&size| size > 0);
                    }
                    _ => {}
                }
                next = libc::CMSG_NXTHDR(header, message);
            }
        }
        control
    }
}

/// A socket address of either family.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) union RawAddress {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl RawAddress {
    /// Room for a receive.
    #[inline]
    pub(super) fn empty() -> Self {
        // SAFETY: all-zero is valid for every variant.
        unsafe { std::mem::zeroed() }
    }

    #[inline]
    pub(super) fn attach(&mut self, header: &mut libc::msghdr, length: libc::socklen_t) {
        header.msg_name = std::ptr::from_mut(self).cast();
        header.msg_namelen = length;
    }

    /// The address and its length.
    #[inline]
    pub(super) fn new(address: &SocketAddr) -> (Self, libc::socklen_t) {
        let mut raw = Self::empty();
        let length = match address {
            SocketAddr::V4(address) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: address.ip().to_bits().to_be() },
                    sin_zero: [0; 8],
                };
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    sin6_scope_id: address.scope_id(),
                };
                size_of::<libc::sockaddr_in6>()
            }
        };
        (raw, length as libc::socklen_t)
    }

    /// What a receive wrote, if it is an IP address.
    #[inline]
    pub(super) fn get(&self) -> Option<SocketAddr> {
        // SAFETY: every variant starts with the family, which is always initialised (`empty`).
        match libc::c_int::from(unsafe { self.family }) {
            libc::AF_INET => {
                // SAFETY: the family says which variant it is; all its bytes are initialised.
                let v4 = unsafe { self.v4 };
                let address = Ipv4Addr::from_bits(u32::from_be(v4.sin_addr.s_addr));
                Some(SocketAddrV4::new(address, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: as above.
                let v6 = unsafe { self.v6 };
                let address = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(SocketAddrV6::new(address, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}
