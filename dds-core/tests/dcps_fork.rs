//! After `fork`, the entities of the parent are errors in the child, and nothing of the child's end
//! reaches the network.
//!
//! One test only: the child of a process with many threads may do little.
#![cfg(unix)]

mod common;

use common::{Domain, PATIENCE, Reading, next, reading};
use dds_core::error::{DdsError, IllegalContext};

fn refused<T>(result: Result<T, DdsError>) -> bool {
    matches!(result, Err(DdsError::IllegalOperation { context: IllegalContext::AfterFork, .. }))
}

#[test]
fn inherited_entities_are_errors_and_their_end_is_no_departure() {
    let domain = Domain::new(87);
    let (one, two) = (domain.participant(), domain.participant());
    let topic = one.topic::<Reading>("Fork").unwrap();
    let writer = topic.writer().reliable().build().unwrap();
    let reader = two.topic::<Reading>("Fork").unwrap().reader().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();

    // SAFETY: the child only uses the allocator, which survives a fork, and ends without unwinding.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let checks = [
            refused(one.topic::<Reading>("Other")),
            refused(topic.writer().build()),
            refused(topic.reader().build()),
            refused(writer.write(&reading(1, 1))),
            refused(reader.take()),
            refused(reader.wait_for_data(PATIENCE.into())),
            refused(writer.wait_for_acknowledgments(PATIENCE.into())),
            refused(one.builtin_subscriber().participant_reader()),
        ];
        drop((writer, reader, topic, one, two));
        let failed = checks.iter().position(|refused| !refused);
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(failed.map_or(0, |check| check as i32 + 1)) };
    }
    let mut status = 0;
    // SAFETY: waits for our own child, and `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFEXITED(status), "the child was killed");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the number of the check that failed");

    // Here all goes on.
    writer.write(&reading(1, 2)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 2)));
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert_eq!(reader.subscription_matched_status().current_count, 1);
}
