//! Parameters that are in no table.

use alloc::vec::Vec;

use dds_types::{
    cdr::Endianness,
    parameter_list::{Parameter, ParameterId, ParameterListReader, ParameterListWriter},
};

use crate::structure::VendorId;

/// The parameters of an announcement that nobody here interprets, as they came.
///
/// They are encoded again with the rest. Because nobody knows what is in them, that happens in the
/// byte order in which they came.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownParameters {
    /// Parameters with headers, in `endianness`, without a sentinel.
    list: Vec<u8>,
    endianness: Endianness,
    vendor: VendorId,
}

impl Default for UnknownParameters {
    /// None, and what we send: little endian.
    fn default() -> Self {
        Self::new(Endianness::Little, VendorId::OURS)
    }
}

impl UnknownParameters {
    /// None, of an announcement in `endianness` from an implementation of `vendor`.
    pub const fn new(endianness: Endianness, vendor: VendorId) -> Self {
        Self { list: Vec::new(), endianness, vendor }
    }

    /// Appends one.
    pub fn push(&mut self, parameter: Parameter<'_>) {
        ParameterListWriter::new(&mut self.list, self.endianness).raw(parameter);
    }

    /// All of them in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Parameter<'_>> {
        let mut reader = ParameterListReader::new(&self.list, self.endianness);
        core::iter::from_fn(move || reader.next().ok().flatten())
    }

    /// The value of the first one with this id. What an id of 0x8000 and above means, only
    /// [`vendor`](Self::vendor) knows.
    pub fn get(&self, id: ParameterId) -> Option<&[u8]> {
        self.iter().find(|parameter| parameter.id == id).map(|parameter| parameter.value)
    }

    /// The byte order of the values, and of all else in the announcement.
    pub const fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// Whose vendor-specific ids these are.
    pub const fn vendor(&self) -> VendorId {
        self.vendor
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl core::fmt::Debug for UnknownParameters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
