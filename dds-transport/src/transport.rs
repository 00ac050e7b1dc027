//! All sockets of one domain behind one facade.

mod open;
mod view;

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::config::UdpConfig;
use crate::error::{OpenError, SendError};
use crate::interface::{Interface, InterfaceMonitor};
use crate::poller::{Poller, Ready, Token, Waker};
use crate::shared_memory;
use crate::socket::{BufferSizes, MAX_UDP_PAYLOAD, OutgoingDatagram, Received, SendOptions, UdpSocket};
use view::{Egress, Memberships, View};

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// Discovery and liveliness.
    Metatraffic,
    /// Samples.
    User,
}

/// How datagrams come to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Sent to this participant's own port.
    Unicast,
    /// Sent to the domain's group.
    Multicast,
}

/// Names one of the sockets of a [`UdpTransport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketId(u8);

/// The poller's token of the interface monitor; sockets have those from 0.
const MONITOR: Token = Token(Token::LARGEST);

/// Interfaces served by one system call when multicasting.
const EGRESS_BATCH: usize = 8;

/// What ended a wait; by default nothing. Iterates over the sockets with something to receive.
#[derive(Debug, Clone, Copy, Default)]
pub struct TransportReady {
    ready: Ready,
    interfaces_changed: bool,
    shared_memory_changed: bool,
    has_shared_messages: bool,
}

impl TransportReady {
    /// Whether a [`Waker`] was used.
    #[must_use]
    pub fn is_woken(self) -> bool {
        self.ready.is_woken()
    }

    /// Whether the selected interfaces or their addresses are others than before the wait: addresses must be
    /// announced anew. Group memberships have been adapted already.
    #[must_use]
    pub fn interfaces_changed(self) -> bool {
        self.interfaces_changed
    }

    /// Whether there is something about the connections of a [`SharedMemoryReceiver`] of this transport's
    /// poller, which is to be [served](crate::SharedMemoryReceiver::serve).
    ///
    /// [`SharedMemoryReceiver`]: crate::SharedMemoryReceiver
    #[must_use]
    pub fn shared_memory_changed(self) -> bool {
        self.shared_memory_changed
    }

    /// Whether another process woke this one because of messages in shared memory.
    #[must_use]
    pub fn has_shared_messages(self) -> bool {
        self.has_shared_messages
    }

    /// Whether there is nothing at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.ready.is_empty()
            && !self.interfaces_changed
            && !self.shared_memory_changed
            && !self.has_shared_messages
    }

    /// Whether no socket has anything to receive.
    #[must_use]
    pub fn has_no_socket(mut self) -> bool {
        self.ready.next().is_none()
    }
}

impl Iterator for TransportReady {
    type Item = SocketId;

    fn next(&mut self) -> Option<SocketId> {
        self.ready.next().map(|token| SocketId(token.0))
    }
}

#[derive(Debug)]
struct OpenSocket {
    socket: UdpSocket,
    traffic: Traffic,
    delivery: Delivery,
}

/// The UDP sockets of one domain: metatraffic and user traffic, unicast and multicast, by address family.
///
/// All calls take `&self` and may be made from several threads; sending and receiving take no lock (sending
/// to a group takes an uncontended read lock to fetch the list of interfaces).
#[derive(Debug)]
pub struct UdpTransport {
    config: UdpConfig,
    domain: u32,
    participant_id: Option<u32>,
    sockets: Vec<OpenSocket>,
    /// Which of `sockets` sends, by family.
    sender_v4: Option<usize>,
    sender_v6: Option<usize>,
    poller: Poller,
    monitor: Option<InterfaceMonitor>,
    view: RwLock<Arc<View>>,
    /// Locked during a refresh, so that refreshes do not overlap.
    memberships: Mutex<Memberships>,
}

impl UdpTransport {
    /// Opens the sockets of a domain and joins its group for metatraffic on the selected interfaces; that for user
    /// traffic with [`join_user_groups`](Self::join_user_groups).
    ///
    /// # Errors
    /// [`OpenError`], per cause.
    pub fn open(domain: u32, config: UdpConfig) -> Result<Self, OpenError> {
        open::open(domain, config)
    }

    /// The configuration it was opened with.
    #[must_use]
    pub fn config(&self) -> &UdpConfig {
        &self.config
    }

    /// The domain id.
    #[must_use]
    pub fn domain(&self) -> u32 {
        self.domain
    }

    /// The participant id that gave the unicast ports; none with ephemeral ports.
    #[must_use]
    pub fn participant_id(&self) -> Option<u32> {
        self.participant_id
    }

    /// The addresses at which this process receives unicast metatraffic, to be announced. Loopback is among
    /// them only when alone.
    #[must_use]
    pub fn metatraffic_unicast_addresses(&self) -> Vec<SocketAddr> {
        self.unicast_addresses(Traffic::Metatraffic)
    }

    /// The addresses at which this process receives unicast user traffic, to be announced. Loopback is among
    /// them only when alone.
    #[must_use]
    pub fn user_unicast_addresses(&self) -> Vec<SocketAddr> {
        self.unicast_addresses(Traffic::User)
    }

    /// The groups, with port, at which this process receives metatraffic. Empty without multicast.
    #[must_use]
    pub fn metatraffic_multicast_addresses(&self) -> Vec<SocketAddr> {
        self.multicast_addresses(Traffic::Metatraffic)
    }

    /// The groups, with port, at which this process receives user traffic once it has
    /// [joined](Self::join_user_groups) them. Empty without multicast.
    #[must_use]
    pub fn user_multicast_addresses(&self) -> Vec<SocketAddr> {
        self.multicast_addresses(Traffic::User)
    }

    fn unicast_addresses(&self, traffic: Traffic) -> Vec<SocketAddr> {
        let view = self.view();
        let port = |is_v4| {
            self.sockets_of(traffic, Delivery::Unicast)
                .map(UdpSocket::local_address)
                .find(|local| local.is_ipv4() == is_v4)
                .map(|local| local.port())
        };
        let with_port = |address: IpAddr| Some(SocketAddr::new(address, port(address.is_ipv4())?));
        view.announced_addresses().into_iter().filter_map(with_port).collect()
    }

    fn multicast_addresses(&self, traffic: Traffic) -> Vec<SocketAddr> {
        self.sockets_of(traffic, Delivery::Multicast)
            .map(|socket| {
                let local = socket.local_address();
                SocketAddr::new(self.group(local.is_ipv4()), local.port())
            })
            .collect()
    }

    fn sockets_of(&self, traffic: Traffic, delivery: Delivery) -> impl Iterator<Item = &UdpSocket> {
        let wanted = move |open: &&OpenSocket| open.traffic == traffic && open.delivery == delivery;
        self.sockets.iter().filter(wanted).map(|open| &open.socket)
    }

    fn group(&self, is_v4: bool) -> IpAddr {
        if is_v4 { self.config.multicast_group_v4.into() } else { self.config.multicast_group_v6.into() }
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The interfaces in use now.
    #[must_use]
    pub fn selected_interfaces(&self) -> Vec<Interface> {
        self.view().selected.clone()
    }

    /// The socket buffers granted, the smallest of all sockets.
    #[must_use]
    pub fn buffer_sizes(&self) -> BufferSizes {
        let sizes = || self.sockets.iter().map(|open| open.socket.buffer_sizes());
        BufferSizes {
            receive: sizes().map(|sizes| sizes.receive).min().unwrap_or(0),
            send: sizes().map(|sizes| sizes.send).min().unwrap_or(0),
        }
    }

    /// Whether segmented sends leave in one system call (as far as the path allows).
    #[must_use]
    pub fn segments_in_kernel(&self) -> bool {
        self.sockets.iter().any(|open| open.socket.segments_in_kernel())
    }

    /// The largest datagram to `destination` that IP does not fragment on the first link, within the
    /// configured maximum. On this host that is the maximum itself.
    #[must_use]
    pub fn unfragmented_size(&self, destination: IpAddr) -> usize {
        let headers = if destination.is_ipv4() { 20 + 8 } else { 40 + 8 };
        let mtu = self.view().mtu_towards(destination) as usize;
        let limit = self.config.max_datagram_size.min(MAX_UDP_PAYLOAD);
        mtu.saturating_sub(headers).min(limit)
    }

    /// Sends one datagram (or several, see [`SendOptions::segment_size`]) from the user unicast socket. To a
    /// group it leaves by every selected interface, unless `options` name one.
    ///
    /// # Errors
    /// [`SendError`], per cause; to a group, that of the first interface if none took the datagram.
    #[inline]
    pub fn send(
        &self,
        destination: SocketAddr,
        pieces: &[IoSlice<'_>],
        options: &SendOptions,
    ) -> Result<usize, SendError> {
        let socket = self.sender(&destination)?;
        if options.interface.is_none() && needs_interface(&destination) {
            return self.send_by_every_interface(socket, destination, pieces, options);
        }
        socket.send_to(destination, pieces, options)
    }

    /// Sends several datagrams in order, many to a system call where possible. Returns how many left.
    ///
    /// # Errors
    /// [`SendError`] of the first message; none was sent. The caller decides whether to skip it.
    pub fn send_batch(&self, messages: &[OutgoingDatagram<'_>]) -> Result<usize, SendError> {
        let mut sent = 0;
        while let Some(rest) = messages.get(sent..)
            && !rest.is_empty()
        {
            match self.send_run(rest) {
                Ok(count) => sent += count,
                Err(_) if sent > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// Sends the messages up to the first that needs another socket or every interface, at least one.
    fn send_run(&self, messages: &[OutgoingDatagram<'_>]) -> Result<usize, SendError> {
        let Some(first) = messages.first() else { return Ok(0) };
        let goes_along = |message: &&OutgoingDatagram<'_>| {
            message.destination.is_ipv4() == first.destination.is_ipv4()
                && (message.options.interface.is_some() || !needs_interface(&message.destination))
        };
        let run = messages.iter().take_while(goes_along).count();
        if run == 0 {
            return self.send(first.destination, first.pieces, &first.options).map(|_| 1);
        }
        self.sender(&first.destination)?.send_batch(messages.get(..run).unwrap_or(messages))
    }

    fn sender(&self, destination: &SocketAddr) -> Result<&UdpSocket, SendError> {
        let index = if destination.is_ipv4() { self.sender_v4 } else { self.sender_v6 };
        index
            .and_then(|index| self.sockets.get(index))
            .map(|open| &open.socket)
            .ok_or_else(|| SendError::Unreachable(io::ErrorKind::Unsupported.into()))
    }

    fn send_by_every_interface(
        &self,
        socket: &UdpSocket,
        destination: SocketAddr,
        pieces: &[IoSlice<'_>],
        options: &SendOptions,
    ) -> Result<usize, SendError> {
        let view = self.view();
        let via = |egress: &Egress| SendOptions {
            interface: Some(egress.interface),
            source: egress.source,
            ..*options
        };
        let mut outcome = Err(SendError::Unreachable(io::ErrorKind::NotFound.into()));
        let mut remaining = view.egress(destination.is_ipv4());
        while let Some(first) = remaining.first() {
            let empty = OutgoingDatagram { destination, pieces, options: via(first) };
            let mut batch = [empty; EGRESS_BATCH];
            let count = remaining.len().min(EGRESS_BATCH);
            for (message, egress) in batch.iter_mut().zip(remaining) {
                message.options = via(egress);
            }
            let sent = match socket.send_batch(batch.get(..count).unwrap_or(&batch)) {
                Ok(sent) => {
                    outcome = Ok(pieces.iter().map(|piece| piece.len()).sum());
                    sent
                }
                Err(error) => {
                    if let Err(SendError::Unreachable(previous)) = &outcome
                        && previous.kind() == io::ErrorKind::NotFound
                    {
                        outcome = Err(error);
                    }
                    1
                }
            };
            remaining = remaining.get(sent.max(1)..).unwrap_or(&[]);
        }
        outcome
    }

    /// Waits until a socket has something to receive, the waker is used, or `timeout` has passed (`None`:
    /// never). May return early with nothing. One thread at a time.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<TransportReady> {
        let period = self.monitor.as_ref().and_then(InterfaceMonitor::poll_period);
        let timeout = timeout.into_iter().chain(period).min();
        let mut ready = self.poller.wait(timeout)?;
        let mut interfaces_changed = false;
        if let Some(monitor) = &self.monitor
            && (period.is_some() || ready.contains(MONITOR))
        {
            ready.remove(MONITOR);
            if monitor.drain() {
                // A passing failure (no descriptors left) must not end reception; the next change looks again.
                interfaces_changed = self.refresh_interfaces().unwrap_or_else(|error| {
                    tracing::warn!(%error, "cannot list the network interfaces after a change");
                    false
                });
            }
        }
        let shared_memory_changed = ready.contains(shared_memory::CONTROL);
        let has_shared_messages = ready.contains(shared_memory::MESSAGES);
        ready.remove(shared_memory::CONTROL);
        ready.remove(shared_memory::MESSAGES);
        Ok(TransportReady { ready, interfaces_changed, shared_memory_changed, has_shared_messages })
    }

    /// What [`wait`](Self::wait) waits for, to which [shared memory](crate::SharedMemory::open) is added.
    #[must_use]
    pub fn poller(&self) -> &Poller {
        &self.poller
    }

    /// A handle to end a [`wait`](Self::wait) from another thread.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.poller.waker()
    }

    /// Receives from one socket; `None`: nothing is waiting. See [`UdpSocket::receive`]. Readiness is
    /// level-triggered: one receive for each ready socket and then the next [`wait`](Self::wait) costs less
    /// than receiving until `None`, unless a burst is expected.
    ///
    /// # Errors
    /// What the operating system reports.
    #[inline]
    pub fn receive(&self, socket: SocketId, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        match self.sockets.get(usize::from(socket.0)) {
            Some(open) => open.socket.receive(buffer),
            None => Ok(None),
        }
    }

    /// What the socket is for; `None` for another transport's id.
    #[must_use]
    pub fn role(&self, socket: SocketId) -> Option<(Traffic, Delivery)> {
        self.sockets.get(usize::from(socket.0)).map(|open| (open.traffic, open.delivery))
    }

    /// All sockets.
    pub fn sockets(&self) -> impl Iterator<Item = SocketId> + use<> {
        // At most eight: two kinds of traffic, of delivery and of address.
        (0..self.sockets.len() as u8).map(SocketId)
    }

    /// Joins the groups for user traffic too, which nobody needs who only sends: what it sends to them would come
    /// back. Once joined, they stay so.
    pub fn join_user_groups(&self) {
        let mut memberships = self.memberships.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut memberships.with_user_groups, true) {
            self.view().adapt_memberships(&self.sockets, &self.config, &mut memberships);
        }
    }

    /// Looks at the interfaces again and adapts group memberships; whether the selection or an address in it
    /// changed. [`wait`](Self::wait) calls it by itself when the system tells of a change.
    ///
    /// # Errors
    /// The interfaces could not be listed; nothing changed then.
    pub fn refresh_interfaces(&self) -> io::Result<bool> {
        let mut memberships = self.memberships.lock().unwrap_or_else(PoisonError::into_inner);
        let view = View::look(&self.config)?;
        view.adapt_memberships(&self.sockets, &self.config, &mut memberships);
        let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let has_changed = current.selected != view.selected;
        *current = Arc::new(view);
        Ok(has_changed)
    }
}

/// Whether the address alone does not say by which interface to leave: groups, and link-local addresses
/// without a scope, as locators carry them.
fn needs_interface(destination: &SocketAddr) -> bool {
    match destination {
        SocketAddr::V4(address) => address.ip().is_multicast(),
        SocketAddr::V6(address) => {
            address.ip().is_multicast() || (address.scope_id() == 0 && is_link_local(*address.ip()))
        }
    }
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local()
}
