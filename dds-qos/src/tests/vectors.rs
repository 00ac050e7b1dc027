//! Bytes written by hand from the standards, in both byte orders.

use crate::*;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use dds_types::DataRepresentationId;
use dds_types::cdr::Endianness;
use dds_types::parameter_list::{ParameterId, ParameterListWriter};

/// Encodes one policy with its parameter header and no sentinel.
fn encode<P: PolicyValue>(policy: &P, endianness: Endianness) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = ParameterListWriter::new(&mut bytes, endianness);
    write_parameter(policy, &mut out);
    out.finish().unwrap();
    bytes.truncate(bytes.len() - 4);
    bytes
}

/// Both directions in both byte orders; the value is given as 32-bit words unless bytes differ.
fn check<P: PolicyValue + core::fmt::Debug>(policy: &P, little: &[u8], big: &[u8]) {
    for (endianness, bytes) in [(Endianness::Little, little), (Endianness::Big, big)] {
        assert_eq!(encode(policy, endianness), bytes, "{}", P::ID);
        assert_eq!(read_value::<P>(&bytes[4..], endianness).as_ref(), Ok(policy), "{}", P::ID);
    }
}

#[test]
fn reliability() {
    // RTPS 2.5 §9.6.3 Table 9.15: kind BEST_EFFORT 1, RELIABLE 2; then Duration_t, whose fraction is in
    // 2^-32 s (§9.3.2.2): 0.1 s rounded up is 0x1999999a.
    check(
        &Reliability::RELIABLE,
        &[0x1a, 0, 12, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x9a, 0x99, 0x99, 0x19],
        &[0, 0x1a, 0, 12, 0, 0, 0, 2, 0, 0, 0, 0, 0x19, 0x99, 0x99, 0x9a],
    );
    assert_eq!(encode(&Reliability::BEST_EFFORT, Endianness::Little)[4], 1);
}

#[test]
fn infinite_durations() {
    // RTPS 2.5 §9.3.2.2: DURATION_INFINITE is (0x7fffffff, 0xffffffff); peers differ in the fraction.
    check(
        &Deadline(Duration::INFINITE),
        &[0x23, 0, 8, 0, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff],
        &[0, 0x23, 0, 8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    );
    let other_fraction = [0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(read_value::<Deadline>(&other_fraction, Endianness::Little), Ok(Deadline(Duration::INFINITE)));
    let negative = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    assert!(read_value::<Deadline>(&negative, Endianness::Little).is_err());
}

#[test]
fn kinds_and_numbers() {
    // DDS 1.4 §2.3.3: the order of the enumerations, which are `long` in CDR.
    check(&Durability::TRANSIENT_LOCAL, &[0x1d, 0, 4, 0, 1, 0, 0, 0], &[0, 0x1d, 0, 4, 0, 0, 0, 1]);
    check(&Ownership::EXCLUSIVE, &[0x1f, 0, 4, 0, 1, 0, 0, 0], &[0, 0x1f, 0, 4, 0, 0, 0, 1]);
    check(
        &OwnershipStrength(-2),
        &[6, 0, 4, 0, 0xfe, 0xff, 0xff, 0xff],
        &[0, 6, 0, 4, 0xff, 0xff, 0xff, 0xfe],
    );
    check(
        &DestinationOrder(DestinationOrderKind::BySourceTimestamp),
        &[0x25, 0, 4, 0, 1, 0, 0, 0],
        &[0, 0x25, 0, 4, 0, 0, 0, 1],
    );
    let unknown = read_value::<Durability>(&[4, 0, 0, 0], Endianness::Little).unwrap_err();
    assert!(unknown.to_string().contains("DurabilityKind"), "{unknown}");
}

#[test]
fn liveliness() {
    check(
        &Liveliness { kind: LivelinessKind::ManualByTopic, lease_duration: Duration::from_millis(1500) },
        &[0x1b, 0, 12, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80],
        &[0, 0x1b, 0, 12, 0, 0, 0, 2, 0, 0, 0, 1, 0x80, 0, 0, 0],
    );
}

#[test]
fn presentation_is_padded_to_four() {
    // RTPS 2.5 §9.4.2.11: parameter lengths are multiples of 4.
    check(
        &Presentation { access_scope: AccessScope::Group, coherent_access: true, ordered_access: false },
        &[0x21, 0, 8, 0, 2, 0, 0, 0, 1, 0, 0, 0],
        &[0, 0x21, 0, 8, 0, 0, 0, 2, 1, 0, 0, 0],
    );
}

#[test]
fn history_and_limits() {
    check(
        &History::keep_last(5),
        &[0x40, 0, 8, 0, 0, 0, 0, 0, 5, 0, 0, 0],
        &[0, 0x40, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5],
    );
    // DDS 1.4 §2.3.3: LENGTH_UNLIMITED is -1.
    check(
        &ResourceLimits { max_samples: Limit::Finite(16), ..ResourceLimits::default() },
        &[0x41, 0, 12, 0, 16, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0, 0x41, 0, 12, 0, 0, 0, 16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    );
    let keep_all_of_cyclone = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let history = read_value::<History>(&keep_all_of_cyclone, Endianness::Little).unwrap();
    assert_eq!(history.kind, HistoryKind::KeepAll);
}

#[test]
fn durability_service() {
    let mut little = vec![0x1e, 0, 28, 0];
    let words: [i32; 7] = [0, 0, 0, 1, -1, -1, -1];
    little.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let mut big = vec![0, 0x1e, 0, 28];
    big.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    check(&DurabilityService::default(), &little, &big);
}

#[test]
fn sequences() {
    // CDR: length, then elements; a string's length counts its NUL, and the next is aligned to 4.
    check(
        &UserData(vec![1, 2, 3]),
        &[0x2c, 0, 8, 0, 3, 0, 0, 0, 1, 2, 3, 0],
        &[0, 0x2c, 0, 8, 0, 0, 0, 3, 1, 2, 3, 0],
    );
    check(
        &Partition(vec!["ab".to_string(), "c".to_string()]),
        &[0x29, 0, 20, 0, 2, 0, 0, 0, 3, 0, 0, 0, b'a', b'b', 0, 0, 2, 0, 0, 0, b'c', 0, 0, 0],
        &[0, 0x29, 0, 20, 0, 0, 0, 2, 0, 0, 0, 3, b'a', b'b', 0, 0, 0, 0, 0, 2, b'c', 0, 0, 0],
    );
    // XTypes 1.3 §7.6.3.1.1: sequence<int16>.
    check(
        &DataRepresentation(vec![DataRepresentationId::XCDR2, DataRepresentationId::XCDR]),
        &[0x73, 0, 8, 0, 2, 0, 0, 0, 2, 0, 0, 0],
        &[0, 0x73, 0, 8, 0, 0, 0, 2, 0, 2, 0, 0],
    );
    assert_eq!(encode(&Partition::default(), Endianness::Little), [0_u8; 0], "empty ones are left out");
    let length_without_elements = [0xff, 0xff, 0xff, 0xff];
    assert!(read_value::<UserData>(&length_without_elements, Endianness::Little).is_err());
    assert!(read_value::<Partition>(&length_without_elements, Endianness::Little).is_err());
    assert!(read_value::<DataRepresentation>(&length_without_elements, Endianness::Little).is_err());
}

#[test]
fn type_consistency() {
    // XTypes 1.3 §7.6.3.4: kind is an enumeration of 16 bits, then five booleans.
    check(
        &TypeConsistencyEnforcement::default(),
        &[0x74, 0, 8, 0, 1, 0, 1, 1, 0, 0, 0, 0],
        &[0, 0x74, 0, 8, 0, 1, 1, 1, 0, 0, 0, 0],
    );
}

#[test]
fn shorter_and_longer_values_are_tolerated() {
    let kind_only = [2, 0, 0, 0];
    assert_eq!(read_value::<Reliability>(&kind_only, Endianness::Little), Ok(Reliability::RELIABLE));
    assert_eq!(read_value::<Presentation>(&[], Endianness::Little), Ok(Presentation::default()));
    let extended = [1, 0, 0, 0, 9, 9, 9, 9];
    assert_eq!(read_value::<Durability>(&extended, Endianness::Little), Ok(Durability::TRANSIENT_LOCAL));
    let torn = [2, 0, 0, 0, 1, 0];
    assert!(read_value::<Reliability>(&torn, Endianness::Little).is_err());
}

#[test]
fn strength_is_announced_for_readers_too() {
    let mut bytes = Vec::new();
    let mut out = ParameterListWriter::new(&mut bytes, Endianness::Little);
    SubscriptionQos::default().write_parameters(&mut out);
    out.finish().unwrap();
    let strength = [6, 0, 4, 0, 0, 0, 0, 0];
    assert!(bytes.windows(8).any(|window| window == strength));
    let mut read = SubscriptionQos::default();
    let answer = read.read_parameter(ParameterId(6), &[0; 4], Endianness::Little);
    assert_eq!(answer, Ok(Recognised::No));
}

/// RTPS 2.5 §9.3.2.2: a negative span is refused, the largest seconds are infinite whatever the fraction.
#[test]
fn every_bit_pattern_of_a_duration_is_answered() {
    let patterns: Vec<u32> = (0..32)
        .flat_map(|bit| [1 << bit, (1 << bit) - 1, !(1 << bit)])
        .chain([u32::MAX, 0xffff_fffe, 0x7fff_ffff, 0x7fff_fffe])
        .collect();
    for seconds in patterns.iter().map(|pattern| pattern.cast_signed()) {
        for fraction in patterns.iter().copied() {
            match Duration::from_wire(seconds, fraction) {
                None => assert!(seconds < 0),
                Some(duration) if seconds == i32::MAX => assert!(duration.is_infinite()),
                Some(duration) => {
                    let nanos = duration.as_nanos().unwrap();
                    assert_eq!(nanos / 1_000_000_000, u64::try_from(seconds).unwrap());
                    let (again, rounded) = duration.to_wire();
                    assert_eq!(Duration::from_wire(again, rounded), Some(duration), "{seconds} {fraction}");
                }
            }
        }
    }
}
