//! No memory is shared here.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use crate::error::SendError;
use crate::poller::Poller;
use crate::shared_memory::{
    LentPart, SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName, SharedMemoryRefusal, SharedMemoryWay,
};

/// Never there.
#[derive(Debug)]
pub(crate) struct SharedMemory(Infallible);

/// Never there.
#[derive(Debug)]
pub(crate) struct SharedMemoryReceiver(Infallible);

/// Never there.
#[derive(Debug)]
pub(crate) struct SlotBuffer(Infallible);

/// Never there.
#[derive(Debug)]
pub(crate) struct SlotMessage(Infallible);

/// Never there.
#[derive(Debug)]
pub struct SlotReader(Infallible);

impl SlotReader {
    pub(crate) fn held(&self) -> usize {
        match self.0 {}
    }
}

impl SlotBuffer {
    pub(crate) fn freeze(self) -> SlotMessage {
        match self.0 {}
    }
}

macro_rules! never_bytes {
    ($($Type:ty)*) => {$(
        impl std::ops::Deref for $Type {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                match self.0 {}
            }
        }
    )*};
}

never_bytes! { SlotBuffer SlotMessage SlotReader }

impl std::ops::DerefMut for SlotBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self.0 {}
    }
}

impl SharedMemory {
    pub(crate) fn open(
        _: SharedMemoryName,
        _: SharedMemoryConfig,
        _: &Poller,
    ) -> io::Result<(Arc<Self>, SharedMemoryReceiver)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn name(&self) -> SharedMemoryName {
        match self.0 {}
    }

    pub(crate) fn connect(
        &self,
        _: SharedMemoryName,
    ) -> Result<Option<SharedMemoryWay>, SharedMemoryRefusal> {
        match self.0 {}
    }

    pub(crate) fn disconnect(&self, _: SharedMemoryName) {
        match self.0 {}
    }

    pub(crate) fn allocate(&self, _: usize) -> Option<SlotBuffer> {
        match self.0 {}
    }

    pub(crate) fn wake(&self) {
        match self.0 {}
    }

    pub(crate) fn send_slot(
        &self,
        _: SharedMemoryWay,
        _: SharedMemoryName,
        _: &[u8],
        _: impl Iterator<Item = LentPart> + Clone,
        _: &SlotMessage,
        _: std::ops::Range<usize>,
    ) -> Result<bool, SendError> {
        match self.0 {}
    }

    pub(crate) fn send<'p>(
        &self,
        _: SharedMemoryWay,
        _: SharedMemoryName,
        _: impl Iterator<Item = &'p [u8]> + Clone,
    ) -> Result<(), SendError> {
        match self.0 {}
    }
}

impl SharedMemoryReceiver {
    pub(crate) fn has_messages(&mut self) -> bool {
        match self.0 {}
    }

    pub(crate) fn sees_messages(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn receive(
        &mut self,
        _: usize,
        _: &mut Vec<u8>,
        _: impl FnMut(SharedMemoryName, &[u8], Option<(SlotReader, &[LentPart])>),
    ) {
        match self.0 {}
    }

    pub(crate) fn serve(&mut self, _: &mut Vec<SharedMemoryEvent>) {
        match self.0 {}
    }

    pub(crate) fn senders(&self) -> usize {
        match self.0 {}
    }
}
