//! State that one thread changes and others wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug, Default)]
pub struct Watched<S> {
    state: Mutex<S>,
    changed: Condvar,
}

impl<S> Watched<S> {
    /// The state as it is.
    pub fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes whoever waits for that.
    pub fn change(&self, change: impl FnOnce(&mut S)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `find` yields something of the state; `None` when `limit` has passed.
    pub fn wait_for<T>(&self, limit: Duration, mut find: impl FnMut(&S) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            state = match self.changed.wait_timeout(state, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Watched;
    use std::time::Duration;

    #[test]
    fn who_waits_is_told_of_what_comes_later_or_that_it_did_not() {
        let watched = Watched::<Vec<u32>>::default();
        let fourth = |state: &Vec<u32>| state.get(3).copied();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..5).for_each(|number| watched.change(|state| state.push(number))));
            assert_eq!(watched.wait_for(Duration::from_secs(20), fourth), Some(3));
        });
        assert_eq!(watched.wait_for(Duration::ZERO, fourth), Some(3), "what is there needs no waiting");
        assert_eq!(watched.wait_for(Duration::ZERO, |state| state.get(9).copied()), None);
    }
}
