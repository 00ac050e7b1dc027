//! Sending: one call a datagram, a segmented train or a batch.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

use socket2::Socket;

use super::control::{ControlBuffer, RawAddress};
use super::socket::SocketBackend;
use crate::error::SendError;
use crate::socket::{MAX_UDP_PAYLOAD, OutgoingDatagram, SendOptions};
use crate::sys::unix::{classify, for_each_chunk};

/// The most segments every kernel with UDP_SEGMENT takes in one call (UDP_MAX_SEGMENTS was 64 before 6.9).
const MAX_SEGMENTS: usize = 64;

/// Messages given to one sendmmsg.
const BATCH: usize = 16;

impl SocketBackend {
    pub(crate) fn segments_in_kernel(&self) -> bool {
        self.segmentation.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn send(
        &self,
        socket: &Socket,
        destination: SocketAddr,
        pieces: &[IoSlice<'_>],
        options: &SendOptions,
    ) -> Result<usize, SendError> {
        match options.segment_size {
            None => send_once(socket, destination, pieces, options),
            Some(segment) => {
                let total = pieces.iter().map(|piece| piece.len()).sum();
                self.send_segmented(socket, destination, pieces, options, usize::from(segment), total)
            }
        }
    }

    fn send_segmented(
        &self,
        socket: &Socket,
        destination: SocketAddr,
        pieces: &[IoSlice<'_>],
        options: &SendOptions,
        segment: usize,
        total: usize,
    ) -> Result<usize, SendError> {
        let single = SendOptions { segment_size: None, ..*options };
        if total <= segment || segment == 0 {
            return send_once(socket, destination, pieces, &single);
        }
        if self.segments_in_kernel() && !self.refusals.contains(destination.ip()) {
            let train = MAX_SEGMENTS.min(MAX_UDP_PAYLOAD / segment) * segment;
            let sent = if total <= train {
                send_once(socket, destination, pieces, options)
            } else if train > segment {
                for_each_chunk(pieces, train, |chunk| send_once(socket, destination, chunk, options))
            } else {
                for_each_chunk(pieces, segment, |chunk| send_once(socket, destination, chunk, &single))
            };
            match sent {
                Err(SendError::Io(error)) if self.is_refusal(&error, destination) => {}
                // The segment is larger than the path's MTU: IP fragments it only when sent singly.
                Err(SendError::TooLarge) => {}
                sent => return sent,
            }
        }
        for_each_chunk(pieces, segment, |chunk| send_once(socket, destination, chunk, &single))
    }

    /// Whether an error of a segmented send says that it must go singly; remembers it where it will last.
    fn is_refusal(&self, error: &io::Error, destination: SocketAddr) -> bool {
        match error.raw_os_error() {
            // The device cannot checksum.
            Some(libc::EIO) => self.refusals.insert(destination.ip()),
            // Older kernels say so when the segment is above the MTU; a shorter one may pass.
            Some(libc::EINVAL) => {}
            Some(libc::EOPNOTSUPP | libc::ENOPROTOOPT) => self.segmentation.store(false, Ordering::Relaxed),
            _ => return false,
        }
        true
    }

    pub(crate) fn send_batch(
        &self,
        socket: &Socket,
        messages: &[OutgoingDatagram<'_>],
    ) -> Result<usize, SendError> {
        let mut sent = 0;
        for batch in messages.chunks(BATCH) {
            match self.send_chunk(socket, batch) {
                Ok(count) => {
                    sent += count;
                    if count < batch.len() {
                        break;
                    }
                }
                Err(_) if sent > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// At least one of up to [`BATCH`] messages, or the first one's error.
    fn send_chunk(&self, socket: &Socket, batch: &[OutgoingDatagram<'_>]) -> Result<usize, SendError> {
        // A train has a fallback of its own, and one message needs no batch.
        let singles = batch.iter().take_while(|message| message.options.segment_size.is_none()).count();
        if singles < 2 {
            let Some(first) = batch.first() else { return Ok(0) };
            return self.send(socket, first.destination, first.pieces, &first.options).map(|_| 1);
        }
        let mut addresses = [RawAddress::empty(); BATCH];
        let mut controls: [ControlBuffer; BATCH] = std::array::from_fn(|_| ControlBuffer::new());
        // SAFETY: all-zero is a valid mmsghdr.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for (((message, header), address), control) in
            batch.iter().take(singles).zip(&mut headers).zip(&mut addresses).zip(&mut controls)
        {
            let length;
            (*address, length) = RawAddress::new(&message.destination);
            address.attach(&mut header.msg_hdr, length);
            *control = ControlBuffer::for_send(&message.destination, &message.options);
            control.attach_written(&mut header.msg_hdr);
            attach_pieces(&mut header.msg_hdr, message.pieces);
        }
        retrying(|| {
            // SAFETY: the first `singles` headers point to live addresses, control buffers and iovecs of
            // the lengths they say; sendmmsg only reads those.
            let sent = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), singles as libc::c_uint, 0)
            };
            usize::try_from(sent).ok()
        })
    }
}

#[inline]
fn send_once(
    socket: &Socket,
    destination: SocketAddr,
    pieces: &[IoSlice<'_>],
    options: &SendOptions,
) -> Result<usize, SendError> {
    let (mut address, address_length) = RawAddress::new(&destination);
    let mut control = ControlBuffer::for_send(&destination, options);
    // SAFETY: all-zero is a valid msghdr.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    address.attach(&mut header, address_length);
    control.attach_written(&mut header);
    attach_pieces(&mut header, pieces);
    retrying(|| {
        // SAFETY: the header points to a live address, control buffer and iovecs of the lengths it says;
        // sendmsg only reads them.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &header, 0) };
        usize::try_from(sent).ok()
    })
}

#[inline]
fn attach_pieces(header: &mut libc::msghdr, pieces: &[IoSlice<'_>]) {
    // `IoSlice` is ABI-compatible with iovec on Unix, and sendmsg does not write through it.
    header.msg_iov = pieces.as_ptr().cast::<libc::iovec>().cast_mut();
    header.msg_iovlen = pieces.len() as _;
}

/// Makes the call, again when interrupted, and once more when it reports an ICMP error of an earlier send.
#[inline]
fn retrying(mut call: impl FnMut() -> Option<usize>) -> Result<usize, SendError> {
    let mut is_retry = false;
    loop {
        if let Some(result) = call() {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECONNREFUSED) if !is_retry => is_retry = true,
            _ => return Err(classify(error)),
        }
    }
}
