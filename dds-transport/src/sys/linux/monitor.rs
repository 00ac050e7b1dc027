//! Interface changes by netlink (rtnetlink(7)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::check;

/// See [`InterfaceMonitor`](crate::interface::InterfaceMonitor).
#[derive(Debug)]
pub(crate) struct ChangeSource {
    socket: OwnedFd,
}

impl ChangeSource {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: creates a descriptor; no memory is involved.
        let descriptor = check(unsafe {
            libc::socket(
                libc::AF_NETLINK,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
                libc::NETLINK_ROUTE,
            )
        })?;
        // SAFETY: the descriptor is open and ours alone.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        // SAFETY: all-zero is a valid `sockaddr_nl`.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups =
            (libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR).cast_unsigned();
        let length = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        // SAFETY: the address is a valid `sockaddr_nl` of the given length.
        check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })?;
        Ok(Self { socket })
    }

    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    pub(crate) fn poll_period(&self) -> Option<Duration> {
        None
    }

    pub(crate) fn drain(&self) -> bool {
        let mut notice = [0u8; 4096];
        let mut changed = false;
        loop {
            // SAFETY: the buffer is valid for writing its length. What is in it does not matter, so
            // truncation does not either.
            let received =
                unsafe { libc::recv(self.socket.as_raw_fd(), notice.as_mut_ptr().cast(), notice.len(), 0) };
            if received > 0 {
                changed = true;
                continue;
            }
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                // The queue overflowed: there were changes.
                Some(libc::ENOBUFS) => changed = true,
                _ => return changed,
            }
        }
    }
}
