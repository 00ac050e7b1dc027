//! No memory is shared here.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::error::SendError;
use crate::poller::Poller;
use crate::shared_memory::{
    SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName, SharedMemoryRefusal, SharedMemoryWay,
};

/// Never there.
#[derive(Debug)]
pub(crate) struct SharedMemory(Infallible);

/// Never there.
#[derive(Debug)]
pub(crate) struct SharedMemoryReceiver(Infallible);

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

    pub(crate) fn send(
        &self,
        _: SharedMemoryWay,
        _: SharedMemoryName,
        _: &[IoSlice<'_>],
    ) -> Result<(), SendError> {
        match self.0 {}
    }
}

impl SharedMemoryReceiver {
    pub(crate) fn has_messages(&mut self) -> bool {
        match self.0 {}
    }

    pub(crate) fn receive(&mut self, _: usize, _: &mut Vec<u8>, _: impl FnMut(SharedMemoryName, &[u8])) {
        match self.0 {}
    }

    pub(crate) fn serve(&mut self, _: &mut Vec<SharedMemoryEvent>) {
        match self.0 {}
    }

    pub(crate) fn senders(&self) -> usize {
        match self.0 {}
    }
}
