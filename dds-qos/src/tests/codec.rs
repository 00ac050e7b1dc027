//! Encoding: what is written is read again, and bytes are those of the standard.

use super::strategies::Arbitrary;
use crate::{PublicationQos, Recognised, SubscriptionQos, TopicQos};
use alloc::vec::Vec;
use dds_types::cdr::Endianness;
use dds_types::parameter_list::{ParameterListReader, ParameterListWriter};
use proptest::prelude::*;

macro_rules! round_trip {
    ($($test:ident: $Set:ident),*) => {
        proptest! {$(
            #[test]
            fn $test(set in Just(()).prop_perturb(|(), mut random| $Set::arbitrary(&mut random)), big: bool) {
                let endianness = if big { Endianness::Big } else { Endianness::Little };
                let mut bytes = Vec::new();
                let mut out = ParameterListWriter::new(&mut bytes, endianness);
                set.write_parameters(&mut out);
                out.finish().unwrap();
                let mut read = $Set::default();
                let mut input = ParameterListReader::new(&bytes, endianness);
                while let Some(parameter) = input.next().unwrap() {
                    read.read_parameter(parameter.id, parameter.value, endianness).unwrap();
                }
                prop_assert_eq!(read, set);
            }
        )*}
    };
}

round_trip! {
    publications_survive: PublicationQos,
    subscriptions_survive: SubscriptionQos,
    topics_survive: TopicQos
}

#[test]
fn unknown_parameters_are_left_to_the_caller() {
    let id = dds_types::parameter_list::ParameterId(0x0005);
    let answer = PublicationQos::default().read_parameter(id, &[0; 4], Endianness::Little);
    assert_eq!(answer, Ok(Recognised::No));
}
