//! What the derive says about types it cannot accept.
//!
//! The expected messages hold rustc's own words too; after a new toolchain, look at them and run
//! with `TRYBUILD=overwrite`.

#[test]
fn errors_point_at_the_cause_and_say_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
