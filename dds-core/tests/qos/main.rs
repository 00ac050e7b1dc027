//! What each policy does, written once and run twice: in virtual time on the simulated network, where
//! moments are exact, and on real sockets.

mod changing;
mod instances;
mod keeping;
mod timing;
mod world;

use world::{Real, Simulated};

/// Makes each scenario, a function of a `World`, a test of both worlds: `module::name,`.
macro_rules! scenarios {
    ($($module:ident::$name:ident,)+) => {
        mod simulated {
            $(#[test] fn $name() { super::$module::$name(&super::Simulated::new()); })+
        }
        mod real {
            $(#[test] fn $name() { super::$module::$name(&super::Real::new()); })+
        }
    };
}

scenarios! {
    timing::deadlines_are_missed_per_instance_on_both_sides,
    timing::automatic_liveliness_ends_with_the_participant,
    timing::liveliness_by_participant_is_asserted_by_any_of_its_writers,
    timing::liveliness_by_topic_is_asserted_by_its_own_writer_only,
    timing::samples_live_as_long_as_their_lifespan_also_for_late_joiners,
    timing::a_filter_by_time_shows_the_last_of_a_burst_when_reliable,
    timing::a_filter_by_time_may_drop_the_last_of_a_burst_when_best_effort,
    timing::a_full_writer_blocks_as_long_as_it_may,
    timing::a_latency_budget_holds_batches_and_may_change,
    timing::instances_are_purged_after_each_delay,
    instances::the_strongest_writer_owns_until_it_is_weaker_or_gone,
    instances::equally_strong_writers_are_told_apart_by_guid,
    instances::an_owner_that_misses_its_deadline_loses_the_instance,
    instances::an_owner_that_is_not_alive_loses_its_instances,
    instances::source_timestamps_order_what_two_writers_say,
    instances::by_reception_the_last_to_arrive_counts,
    instances::unregistering_disposes_unless_told_otherwise,
    instances::deleting_a_writer_disposes_unless_told_otherwise,
    keeping::history_keeps_the_last_or_all,
    keeping::a_late_joiner_gets_what_durability_promises,
    keeping::a_readers_limits_reject_and_let_in_later,
    keeping::a_writers_limits_bound_samples_and_instances,
    keeping::reliable_readers_get_what_best_effort_ones_may_lose,
    changing::every_rule_is_reported_on_both_sides,
    changing::policies_without_a_rule_keep_nobody_apart,
    changing::policies_that_may_change_do_and_are_seen,
    changing::policies_fixed_by_enabling_are_refused,
    changing::partitions_match_by_wildcard_and_change,
    changing::a_writer_offers_one_representation_and_a_reader_several,
    changing::a_deadline_changed_to_unfit_ends_the_match,
}
