//! The types of ddsperf's topics.

use dds_core::{DdsType, types::TopicType};

/// A sample with a number that counts up per writer, as each of these types has it.
pub trait PerfSample: TopicType {
    /// How the names of the type's topics end.
    const SUFFIX: &'static str;
    /// Bytes without a sequence's elements.
    const SIZE: usize;
    /// The type has no other size.
    const IS_FIXED: bool = true;

    /// Of `size` bytes, where the type has a say in that.
    fn new(size: usize) -> Self;
    fn number(&self) -> u32;
    /// The instances, of which there are `keys`, take turns.
    fn set_number(&mut self, number: u32, keys: u32);
    fn size(&self) -> usize {
        Self::SIZE
    }
}

/// What ddsperf fills its samples with.
const FILLING: u8 = 0xEE;

#[derive(DdsType, Clone, Debug)]
#[dds(extensibility = "final")]
pub struct KeyedSeq {
    seq: u32,
    #[dds(key)]
    keyval: u32,
    #[dds(octet)]
    baggage: Vec<u8>,
}

impl PerfSample for KeyedSeq {
    const SUFFIX: &'static str = "KS";
    const SIZE: usize = 12;
    const IS_FIXED: bool = false;

    fn new(size: usize) -> Self {
        Self { seq: 0, keyval: 0, baggage: vec![FILLING; size.saturating_sub(Self::SIZE)] }
    }

    fn number(&self) -> u32 {
        self.seq
    }

    fn set_number(&mut self, number: u32, keys: u32) {
        self.seq = number;
        self.keyval = number % keys;
    }

    fn size(&self) -> usize {
        Self::SIZE + self.baggage.len()
    }
}

/// Types of one size, with a key or without.
macro_rules! fixed {
    ($($Type:ident $suffix:literal: $($key:ident)? [$octets:literal];)*) => {$(
        #[derive(DdsType, Clone, Debug)]
        #[dds(extensibility = "final")]
        pub struct $Type {
            seq: u32,
            $(#[dds(key)] $key: u32,)?
            #[dds(octet)]
            baggage: [u8; $octets],
        }

        impl PerfSample for $Type {
            const SUFFIX: &'static str = $suffix;
            const SIZE: usize = size_of::<Self>();

            fn new(_: usize) -> Self {
                Self { seq: 0, $($key: 0,)? baggage: [FILLING; $octets] }
            }

            fn number(&self) -> u32 {
                self.seq
            }

            fn set_number(&mut self, number: u32, _keys: u32) {
                self.seq = number;
                $(self.$key = number % _keys;)?
            }
        }
    )*};
}

fixed! {
    Keyed32 "K32": keyval [24];
    Keyed256 "K256": keyval [248];
    Unkeyed16 "UK16": [12];
    Unkeyed1024 "UK1024": [1020];
}

#[derive(DdsType, Clone, Debug)]
#[dds(extensibility = "final")]
pub struct OneULong {
    seq: u32,
}

impl PerfSample for OneULong {
    const SUFFIX: &'static str = "OU";
    const SIZE: usize = 4;

    fn new(_: usize) -> Self {
        Self { seq: 0 }
    }

    fn number(&self) -> u32 {
        self.seq
    }

    fn set_number(&mut self, number: u32, _: u32) {
        self.seq = number;
    }
}
