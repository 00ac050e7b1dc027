//! Looking a short while for what is about to come, before sleeping until it does.
//!
//! A thread that looks needs no wake, which spares the one that would wake it a system call and both the time
//! that the wake takes. It costs processor time where nothing comes; so whoever looked in vain does not look
//! the next times, twice as many each time.
//!
//! Where the one that answers has to run on the same processor, letting it run is better still: neither side has to
//! be woken.

use std::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// For how many sleeps at most nobody looks before them, after looking was in vain: of a thread that sleeps for
/// longer each time it costs a thousandth of the time that one look takes.
const LONGEST: u32 = 1024;
/// Looks into memory between two readings of the clock, which takes as long as about one of them.
const LOOKS: u32 = 8;
/// A look that takes longer was interrupted: other threads ran on this processor meanwhile.
const AWAY: Duration = Duration::from_micros(3);

/// Another thread's turn that takes longer is none that answers: it would keep from running a thread that could
/// have been woken meanwhile.
const LONGEST_TURN: Duration = Duration::from_micros(100);
/// As [`LONGEST_TURN`], where much has come: a writer that fills its window takes up to this, and nobody waits for the
/// first of its samples. A thread that never waits takes several times as long.
const LONGEST_TURN_OF_STREAM: Duration = Duration::from_millis(1);

/// Keeps from looking where there was nothing before: twice as often each time.
#[derive(Debug)]
pub(crate) struct Abstention {
    left: AtomicU32,
    next: AtomicU32,
    longest: u32,
}

impl Default for Abstention {
    /// That suits looking before sleeping.
    fn default() -> Self {
        Self::of_at_most(LONGEST)
    }
}

// Threads that share one may miss each other's changes, which costs a look or saves one.
impl Abstention {
    /// That lasts for `longest` occasions at most.
    pub(crate) const fn of_at_most(longest: u32) -> Self {
        Self { left: AtomicU32::new(0), next: AtomicU32::new(0), longest }
    }

    /// Whether to look, asked at each occasion.
    pub(crate) fn permits(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
        }
        left == 0
    }

    /// What came of looking.
    pub(crate) fn looked(&self, found: bool) {
        let next = if found {
            0
        } else {
            self.next.load(Ordering::Relaxed).saturating_mul(2).clamp(1, self.longest)
        };
        self.next.store(next, Ordering::Relaxed);
        self.left.store(next, Ordering::Relaxed);
    }
}

/// Calls `look` until it finds something, for at most `limit` if that has helped lately, else not at all; whether it
/// found something. A look should take less than a microsecond.
#[expect(clippy::disallowed_methods, reason = "a real thread spins, on no virtual clock")]
pub(crate) fn look_a_while(limit: Duration, abstention: &Abstention, mut look: impl FnMut() -> bool) -> bool {
    if limit.is_zero() || !abstention.permits() {
        return false;
    }
    // What is there already tells nothing of what is to come.
    if look() {
        return true;
    }
    let start = Instant::now();
    let mut last = start;
    loop {
        let found = look();
        let now = Instant::now();
        // What came while others had the processor came because of that.
        let was_away = now.saturating_duration_since(last) > AWAY;
        if found || was_away || now.saturating_duration_since(start) >= limit {
            abstention.looked(found && !was_away);
            return found;
        }
        last = now;
    }
}

/// Lets another thread run on this processor, if one wants to and that has helped lately, and calls `look` after it;
/// whether that found something. `is_much` tells whether it found a stream.
#[expect(clippy::disallowed_methods, reason = "real threads take turns, on no virtual clock")]
pub(crate) fn let_others_run(
    abstention: &Abstention,
    is_much: impl FnOnce() -> bool,
    mut look: impl FnMut() -> bool,
) -> bool {
    if !abstention.permits() {
        return false;
    }
    let start = Instant::now();
    thread::yield_now();
    let turn = start.elapsed();
    let found = look();
    let was_short = turn < LONGEST_TURN || (turn < LONGEST_TURN_OF_STREAM && is_much());
    abstention.looked(found && was_short);
    found
}

/// Asks several times, a fraction of a microsecond in all, for what is to be seen in memory.
pub(crate) fn repeatedly(mut look: impl FnMut() -> bool) -> bool {
    (0..LOOKS).any(|_| {
        spin_loop();
        look()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often one of `occasions` is taken to look, always in vain.
    fn looks_in_vain(abstention: &Abstention, occasions: u32) -> u32 {
        let look = |_: &u32| {
            let looks = abstention.permits();
            if looks {
                abstention.looked(false);
            }
            looks
        };
        (0..occasions).filter(look).count() as u32
    }

    #[test]
    fn what_was_in_vain_is_done_ever_more_rarely() {
        for longest in [16, LONGEST] {
            let abstention = Abstention::of_at_most(longest);
            // Until it lasts longest it doubles, which takes as many looks as the number has bits.
            let looks = looks_in_vain(&abstention, 10 * longest);
            assert!(looks <= 10 + longest.ilog2() + 1, "{looks}");
            while !abstention.permits() {}
            abstention.looked(true);
            assert!((0..longest).all(|_| abstention.permits()), "found: looks each time");
            assert_eq!(looks_in_vain(&abstention, 7), 3, "begins with one again, then two, then four");
        }
    }

    /// How often `look_a_while` looks, for a moment, when nothing comes.
    fn looks_a_moment(abstention: &Abstention, limit: Duration) -> u32 {
        let mut looks = 0;
        let found = look_a_while(limit, abstention, || {
            looks += 1;
            false
        });
        assert!(!found);
        looks
    }

    #[test]
    fn nothing_is_looked_for_where_nothing_came() {
        let abstention = Abstention::default();
        let moment = Duration::from_nanos(1);
        assert_eq!(looks_a_moment(&abstention, Duration::ZERO), 0, "switched off");
        assert!(looks_a_moment(&abstention, moment) > 0);
        assert_eq!(looks_a_moment(&abstention, moment), 0, "left out");
        assert!(looks_a_moment(&abstention, moment) > 0);
        let more = (0..10_000).filter(|_| looks_a_moment(&abstention, moment) > 0).count();
        assert!(more <= 10_000 / LONGEST as usize + 10, "{more}");
    }

    #[test]
    fn others_run_only_where_that_helped() {
        let abstention = Abstention::default();
        // On a busy machine turns may be long; one that was not counts as help.
        assert!(
            (0..1_000_000).any(|_| let_others_run(&abstention, || false, || true) && abstention.permits())
        );
        let mut looks = 0;
        for _ in 0..100 {
            assert!(!let_others_run(
                &abstention,
                || false,
                || {
                    looks += 1;
                    false
                }
            ));
        }
        assert!((1..=7).contains(&looks), "{looks}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what is tested is told by this clock")]
    fn what_comes_is_found_and_what_comes_while_others_run_is_not_waited_for() {
        let abstention = Abstention::default();
        let forever = Duration::from_secs(60);
        assert!(look_a_while(forever, &abstention, || true));
        assert!(abstention.permits(), "that it was there at once says nothing");
        let mut looks = 0;
        // A look that takes as long as another thread's turn.
        let busy = || {
            let start = Instant::now();
            while start.elapsed() <= AWAY {}
            looks += 1;
            looks == 2
        };
        assert!(look_a_while(forever, &abstention, busy), "found all the same");
        assert!(!abstention.permits(), "but not looked for the next time");
        let mut asked = 0;
        assert!(repeatedly(|| {
            asked += 1;
            asked == LOOKS
        }));
        assert!(!repeatedly(|| false));
    }
}
