//! Whether the present thread may block.

use std::{cell::Cell, marker::PhantomData};

use crate::error::{DdsError, DdsResult, IllegalContext};

thread_local! {
    /// Listeners that this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, the present thread is inside a listener and may not block.
#[derive(Debug)]
pub struct CallbackScope(PhantomData<*const ()>);

impl CallbackScope {
    /// Marks the present thread; the runtime does so around each call of a listener.
    #[must_use]
    pub fn enter() -> Self {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Self(PhantomData)
    }
}

impl Drop for CallbackScope {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Refuses `operation`, which would block, inside a listener.
///
/// # Errors
/// [`IllegalContext::BlockingInListener`].
pub fn check_may_block(operation: &'static str) -> DdsResult<()> {
    if DEPTH.with(Cell::get) == 0 {
        return Ok(());
    }
    Err(DdsError::IllegalOperation { operation, context: IllegalContext::BlockingInListener })
}
