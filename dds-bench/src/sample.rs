//! The type that both stacks exchange. Cyclone DDS has it from `interop-tests/peers/bench/bench.idl`.

use dds_core::DdsType;

/// A number, and bytes of any length.
#[derive(DdsType, Clone, PartialEq, Debug, Default)]
#[dds(extensibility = "final")]
pub struct BenchSample {
    /// Counts up from 0 per writer.
    pub sequence_number: u64,
    /// As long as was asked for.
    pub payload: Vec<u8>,
}
