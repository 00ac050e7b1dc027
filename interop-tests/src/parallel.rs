//! Work for several threads: most of it waits.

use std::sync::{Mutex, PoisonError};

/// Does `work` for every job, on `threads` threads; what comes of it is in the order of the jobs.
fn in_parallel<J: Send, R: Send>(jobs: Vec<J>, threads: usize, work: impl Fn(J) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((place, job)) = next else { return };
                    let result = work(job);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What came of a job that may fail.
pub trait Attempt {
    /// Why it failed.
    fn failure(&self) -> Option<&str>;
    /// What is told of it.
    fn observed(&mut self) -> &mut String;
}

/// What came of a job of which nothing else is told.
pub struct Outcome {
    /// Why it failed.
    pub failure: Option<String>,
    /// What is told of it.
    pub observed: String,
}

impl Attempt for Outcome {
    fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn observed(&mut self) -> &mut String {
        &mut self.observed
    }
}

/// Failures above this many are no accident of a busy machine.
const SECOND_ATTEMPTS: usize = 4;

/// Runs the jobs in parallel, as many at a time as `threads`; one that fails among others is tried once more, alone, and its result tells of both.
pub fn with_second_attempts<J: Copy + Send, R: Send + Attempt>(
    jobs: Vec<J>,
    threads: usize,
    work: impl Fn(J) -> R + Sync,
) -> Vec<R> {
    let mut results = in_parallel(jobs.clone(), threads, &work);
    if threads < 2 || results.iter().filter(|result| result.failure().is_some()).count() > SECOND_ATTEMPTS {
        return results;
    }
    for (result, job) in results.iter_mut().zip(jobs) {
        let Some(reason) = result.failure().map(str::to_owned) else { continue };
        *result = work(job);
        if result.failure().is_none() {
            result.observed().push_str(&format!("; at the second attempt, alone, after: {reason}"));
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::{Outcome, in_parallel, with_second_attempts};
    use std::sync::Mutex;

    /// What comes of ten jobs of which `accidents` fail at first and `last` always.
    fn outcomes(accidents: usize, last: bool, threads: usize) -> Vec<Result<String, String>> {
        let tried = Mutex::new(Vec::new());
        let outcomes = with_second_attempts((0..10).collect(), threads, |job: usize| {
            let mut tried = tried.lock().unwrap();
            let first = !tried.contains(&job);
            tried.push(job);
            let fails = (first && job < accidents) || (last && job == 9);
            Outcome { failure: fails.then(|| "noise".to_owned()), observed: "fine".to_owned() }
        });
        let result = |outcome: Outcome| outcome.failure.map_or(Ok(outcome.observed), Err);
        outcomes.into_iter().map(result).collect()
    }

    #[test]
    fn a_second_attempt_is_told_and_no_more_than_one() {
        let results = outcomes(2, true, 3);
        assert_eq!(results[0].as_deref(), Ok("fine; at the second attempt, alone, after: noise"));
        assert_eq!(results[2].as_deref(), Ok("fine"));
        assert_eq!(results[9], Err("noise".to_owned()));
        assert_eq!(outcomes(5, false, 3).iter().filter(|result| result.is_err()).count(), 5, "too many");
        assert_eq!(outcomes(1, false, 1)[0], Err("noise".to_owned()), "it was alone already");
    }

    #[test]
    fn results_are_in_the_order_of_their_jobs() {
        let doubled = in_parallel((0..100).collect(), 7, |number: i32| number * 2);
        assert_eq!(doubled, (0..200).step_by(2).collect::<Vec<_>>());
        assert!(in_parallel(Vec::<i32>::new(), 0, |number| number).is_empty());
    }
}
