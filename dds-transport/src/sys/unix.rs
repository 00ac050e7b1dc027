//! What all Unix systems share: listing interfaces, sharing ports.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::Socket;

use crate::error::SendError;
use crate::interface::{Interface, InterfaceAddress};

/// Frees the list of `getifaddrs`.
struct AddressList(*mut libc::ifaddrs);

impl AddressList {
    fn new() -> io::Result<Self> {
        let mut first = std::ptr::null_mut();
        // SAFETY: `first` is valid for writing one pointer.
        if unsafe { libc::getifaddrs(&mut first) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(first))
    }

    fn iter(&self) -> impl Iterator<Item = &libc::ifaddrs> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: `next` is null or an entry of the list, which lives as long as `self`.
            let entry = unsafe { next.as_ref() }?;
            next = entry.ifa_next;
            Some(entry)
        })
    }
}

impl Drop for AddressList {
    fn drop(&mut self) {
        // SAFETY: the list came from `getifaddrs` and is freed once.
        unsafe { libc::freeifaddrs(self.0) }
    }
}

/// All interfaces of this host, sorted by index.
pub(crate) fn enumerate_interfaces() -> io::Result<Vec<Interface>> {
    let list = AddressList::new()?;
    let mut interfaces: BTreeMap<String, Interface> = BTreeMap::new();
    for entry in list.iter() {
        // SAFETY: `ifa_name` is a NUL-terminated string of a live entry.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        // Old-style aliases (`eth0:1`) are further addresses of the same interface.
        let Some(text) = name.to_str().ok().and_then(|text| text.split(':').next()) else { continue };
        let interface = match interfaces.get_mut(text) {
            Some(interface) => interface,
            None => {
                // SAFETY: `name` is a NUL-terminated string.
                let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
                if index == 0 {
                    // Gone since the list was made.
                    continue;
                }
                interfaces.entry(text.to_owned()).or_insert(described(text, index, entry.ifa_flags))
            }
        };
        if let Some(address) = ip_address(entry.ifa_addr) {
            let prefix_length = ip_address(entry.ifa_netmask).map_or(full_length(address), prefix_length);
            interface.addresses.push(InterfaceAddress { address, prefix_length });
        }
    }
    let mut interfaces: Vec<Interface> = interfaces.into_values().collect();
    interfaces.sort_by_key(|interface| interface.index);
    for interface in &mut interfaces {
        interface.addresses.sort_by_key(|own| own.address.is_ipv6());
        interface.mtu = mtu(&interface.name);
    }
    Ok(interfaces)
}

fn described(name: &str, index: u32, flags: libc::c_uint) -> Interface {
    let has = |flag: libc::c_int| flags & flag.cast_unsigned() != 0;
    Interface {
        name: name.to_owned(),
        index,
        addresses: Vec::new(),
        up: has(libc::IFF_UP),
        running: has(libc::IFF_RUNNING),
        multicast: has(libc::IFF_MULTICAST),
        loopback: has(libc::IFF_LOOPBACK),
        mtu: None,
    }
}

fn ip_address(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: null or a socket address of a live entry.
    let family = i32::from(unsafe { address.as_ref() }?.sa_family);
    match family {
        libc::AF_INET => {
            // SAFETY: the family says that it is a `sockaddr_in`; read unaligned, as nothing promises more.
            let v4 = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from_bits(u32::from_be(v4.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a `sockaddr_in6`; read unaligned as above.
            let v6 = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

fn prefix_length(netmask: IpAddr) -> u8 {
    // At most 128.
    match netmask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones() as u8,
        IpAddr::V6(mask) => mask.to_bits().leading_ones() as u8,
    }
}

fn full_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(target_os = "linux")]
fn mtu(name: &str) -> Option<u32> {
    use std::os::fd::AsRawFd;
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    // SAFETY: all-zero is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    for (target, source) in request.ifr_name.iter_mut().zip(name.bytes().take(room)) {
        *target = source.cast_signed() as libc::c_char;
    }
    // SAFETY: SIOCGIFMTU reads the name and writes the MTU of the `ifreq` it is given.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &mut request) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so the union holds the MTU.
    u32::try_from(unsafe { request.ifr_ifru.ifru_mtu }).ok()
}

#[cfg(not(target_os = "linux"))]
fn mtu(_name: &str) -> Option<u32> {
    None
}

/// Lets other sockets, of other processes too, bind the same multicast port.
#[cfg(target_os = "linux")]
pub(crate) fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Lets other sockets, of other processes too, bind the same multicast port: the BSDs want SO_REUSEPORT.
#[cfg(not(target_os = "linux"))]
pub(crate) fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)
}

/// Cuts the pieces into chunks of `size` bytes (the last may be shorter), without copying, and gives each to
/// `send`, which returns the bytes it sent. Returns their sum; an error counts only if it is the first.
pub(crate) fn for_each_chunk(
    pieces: &[IoSlice<'_>],
    size: usize,
    mut send: impl FnMut(&[IoSlice<'_>]) -> Result<usize, SendError>,
) -> Result<usize, SendError> {
    let mut remaining = pieces.iter().map(|piece| &**piece).filter(|piece| !piece.is_empty());
    let mut piece: &[u8] = &[];
    let mut sent = 0;
    let mut chunk = [IoSlice::new(&[]); CHUNK_PIECES];
    loop {
        let mut used = 0;
        let mut room = size;
        while room > 0 {
            if piece.is_empty() {
                match remaining.next() {
                    Some(next) => piece = next,
                    None => break,
                }
            }
            let Some(slot) = chunk.get_mut(used) else { return Err(SendError::TooLarge) };
            let (head, tail) = piece.split_at(room.min(piece.len()));
            *slot = IoSlice::new(head);
            (piece, room, used) = (tail, room - head.len(), used + 1);
        }
        if used == 0 {
            return Ok(sent);
        }
        match send(&chunk[..used]) {
            Ok(count) => sent += count,
            Err(_) if sent > 0 => return Ok(sent),
            Err(error) => return Err(error),
        }
    }
}

/// The most pieces one chunk may have; IOV_MAX is 1,024 everywhere.
const CHUNK_PIECES: usize = 1024;

/// Which cause an error of a send has.
#[cold]
pub(crate) fn classify(error: io::Error) -> SendError {
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => SendError::WouldBlock,
        Some(libc::EMSGSIZE) => SendError::TooLarge,
        Some(libc::EPERM | libc::EACCES) => SendError::Filtered(error),
        Some(
            libc::ENETUNREACH
            | libc::EHOSTUNREACH
            | libc::ENETDOWN
            | libc::EHOSTDOWN
            | libc::ENODEV
            | libc::EADDRNOTAVAIL
            | libc::EAFNOSUPPORT
            | libc::ECONNREFUSED,
        ) => SendError::Unreachable(error),
        _ => SendError::Io(error),
    }
}
