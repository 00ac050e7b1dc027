//! Requests and replies of the type lookup service, as peers send them (XTypes 1.3 §7.6.3.3.4).

use dds_rtps::{
    discovery::{
        Dialect, MOST_TYPES_ASKED, TypeLookupCall, TypeLookupReply, TypeLookupRequest, TypeLookupResult,
        service_name, service_of,
    },
    message::SampleIdentity,
    structure::{Guid, GuidPrefix, SequenceNumber},
};
use dds_types::dynamic::DynamicType;
use dds_types::type_object::{EquivalenceHash, EquivalenceKind, TypeIdentifier, TypeRegistry};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// What Cyclone DDS 11.0.1 asked another Cyclone DDS 11.0.1.
const CYCLONE_REQUEST: &str = "
    00070001 0110ac19c2abdab42b30c674 000300c3 00000000 01000000
    31000000 6464732e6275696c74696e2e544f532e3031313035323162313137623263313733333832323937363030303030316331 00
    000000 23000000 d3528201 1b000000 6560535c 13000000 01000000 f1084ecd30ac0c153b2dd2194d6eb6 00";

/// What it was answered: the minimal object of `@appendable struct T { @key long id; long x; double y; }`.
const CYCLONE_REPLY: &str = "
    00070000 0110ac19c2abdab42b30c674 000300c3 00000000 01000000 00000000
    80000000 d3528201 78000000 00000000 70000000 d14a8052 5b000000 01000000
    f1084ecd30ac0c153b2dd2194d6eb6 00 43000000 f1510200 01000000 00000000 33000000 03000000
    0b000000 00000000 210004b80bb77400 0b000000 01000000 0100049dd4e46100 0b000000 02000000 01000a4152907600
    77658e5b 04000000 00000000";

fn longer() -> TypeIdentifier {
    let hash = bytes("084ecd30ac0c153b2dd2194d6eb6").try_into().unwrap();
    TypeIdentifier::Hash(EquivalenceHash { kind: EquivalenceKind::Minimal, hash })
}

fn asking() -> GuidPrefix {
    GuidPrefix(bytes("0110ac19c2abdab42b30c674").try_into().unwrap())
}

#[test]
fn a_request_of_cyclone_dds() {
    let request = TypeLookupRequest::decode(&bytes(CYCLONE_REQUEST)).unwrap();
    assert_eq!(request.dialect, Dialect::Final);
    assert_eq!(request.request_id.writer_guid.prefix, asking());
    assert_eq!(request.request_id.sequence_number, SequenceNumber(1));
    let asked = GuidPrefix(bytes("0110521b117b2c1733822976").try_into().unwrap());
    assert_eq!(request.instance_name, service_name(asked));
    assert_eq!(service_of(&request.instance_name), Some(asked));
    assert_eq!(request.call, TypeLookupCall::Types(vec![longer()]));
}

#[test]
fn a_reply_of_cyclone_dds_brings_what_its_identifier_names() {
    let reply = TypeLookupReply::decode(&bytes(CYCLONE_REPLY)).unwrap();
    assert_eq!(reply.related_request_id.writer_guid.prefix, asking());
    assert_eq!(reply.related_request_id.sequence_number, SequenceNumber(1));
    let TypeLookupResult::Types { types, complete_to_minimal } = reply.result else { panic!() };
    assert_eq!(complete_to_minimal, []);
    let mut registry = TypeRegistry::default();
    registry.insert(types).unwrap();
    assert!(registry.get(&longer()).is_some());
}

/// What Fast DDS 3.2.2, in a node of ROS 2 Kilted, answered us: the complete object of `std_msgs/msg/String`.
#[test]
fn a_reply_of_fast_dds_brings_what_its_identifier_names() {
    let reply = "
        00070000 01ddbec9611ff0dfa9c9bc9c 000300c3 c9a9df00 01009cbc 00000000
        8c000000 d3528201 84000000 00000000 7c000000 d14a8052 67000000 01000000
        f2c3da80d638e91b9fad0a6b765cc2 00 4f000000 f2510100 25000000 00000000 1d000000
        7374645f6d7367733a3a6d73673a3a6464735f3a3a537472696e675f00 000000 1b000000 01000000
        13000000 00000000 01007000 05000000 6461746100 000000 77658e5b 04000000 00000000";
    let TypeLookupResult::Types { types, .. } = TypeLookupReply::decode(&bytes(reply)).unwrap().result else {
        panic!()
    };
    let [(id, _)] = &types[..] else { panic!() };
    let id = id.clone();
    assert_eq!(id.to_string(), "complete c3da80d638e91b9fad0a6b765cc2");
    let mut registry = TypeRegistry::default();
    registry.insert(types).unwrap();
    let object = |id: &TypeIdentifier| registry.get(id).map(|object| &**object);
    let message = DynamicType::from_type_objects(&id, object).unwrap();
    assert_eq!(message.name(), Some("std_msgs::msg::dds_::String_"));
}

/// Members of mutable structures may say their length once or twice (XTypes 1.3 §7.4.3.4.2): else these are
/// the bytes of Cyclone DDS.
#[test]
fn what_is_written_is_what_cyclone_dds_writes_but_for_lengths_of_members() {
    let mut written = Vec::new();
    TypeLookupRequest::decode(&bytes(CYCLONE_REQUEST)).unwrap().encode(&mut written).unwrap();
    let expected = "
        00070001 0110ac19c2abdab42b30c674 000300c3 00000000 01000000 31000000
        6464732e6275696c74696e2e544f532e3031313035323162313137623263313733333832323937363030303030316331 00
        000000 27000000 d3528201 1f000000 6560534c 17000000 13000000 01000000 f1084ecd30ac0c153b2dd2194d6eb6 00";
    assert_eq!(written, bytes(expected));
    written.clear();
    TypeLookupReply::decode(&bytes(CYCLONE_REPLY)).unwrap().encode(&mut written).unwrap();
    let expected = "
        00070000 0110ac19c2abdab42b30c674 000300c3 00000000 01000000 00000000
        88000000 d3528201 80000000 00000000 78000000 d14a8042 5f000000 5b000000 01000000
        f1084ecd30ac0c153b2dd2194d6eb6 00 43000000 f1510200 01000000 00000000 33000000 03000000
        0b000000 00000000 210004b80bb77400 0b000000 01000000 0100049dd4e46100 0b000000 02000000 01000a4152907600
        77658e4b 08000000 04000000 00000000";
    assert_eq!(written, bytes(expected));
}

fn round_trip(dialect: Dialect) {
    let request_id = SampleIdentity {
        writer_guid: Guid::from_bytes([7; 16]),
        sequence_number: SequenceNumber(0x0102_0304_0506_0708),
    };
    for call in [
        TypeLookupCall::Types(vec![longer(), TypeIdentifier::None]),
        TypeLookupCall::Dependencies { of: vec![longer()], continuation_point: vec![1, 2, 3] },
        TypeLookupCall::Unknown(5),
    ] {
        let instance_name = service_name(asking());
        let request = TypeLookupRequest { dialect, request_id, instance_name, call };
        let mut written = Vec::new();
        request.encode(&mut written).unwrap();
        assert_eq!(TypeLookupRequest::decode(&written).unwrap(), request);
    }
    let TypeLookupResult::Types { types, .. } =
        TypeLookupReply::decode(&bytes(CYCLONE_REPLY)).unwrap().result
    else {
        panic!()
    };
    for result in [
        TypeLookupResult::Types { types, complete_to_minimal: vec![(TypeIdentifier::None, longer())] },
        TypeLookupResult::Dependencies { types: vec![], continuation_point: vec![9; 32] },
        TypeLookupResult::Failed,
    ] {
        let reply = TypeLookupReply { dialect, related_request_id: request_id, result };
        let mut written = Vec::new();
        reply.encode(&mut written).unwrap();
        assert_eq!(TypeLookupReply::decode(&written).unwrap(), reply);
    }
}

#[test]
fn both_dialects_are_read_as_they_are_written() {
    round_trip(Dialect::Final);
    round_trip(Dialect::Appendable);
}

/// Cut anywhere, or with any byte changed, they are read or refused.
#[test]
fn malformed_requests_and_replies_are_refused() {
    for hex in [CYCLONE_REQUEST, CYCLONE_REPLY] {
        let whole = bytes(hex);
        for length in 0..whole.len() {
            let _ = TypeLookupRequest::decode(&whole[..length]);
            let _ = TypeLookupReply::decode(&whole[..length]);
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[length] = value;
                let _ = TypeLookupRequest::decode(&changed);
                let _ = TypeLookupReply::decode(&changed);
            }
        }
    }
    let reply = bytes(CYCLONE_REPLY);
    assert!(TypeLookupReply::decode(&reply[..reply.len() - 24]).is_err());
}

#[test]
fn a_request_names_a_bounded_number_of_types() {
    let mut request = TypeLookupRequest::decode(&bytes(CYCLONE_REQUEST)).unwrap();
    request.call = TypeLookupCall::Types(vec![longer(); MOST_TYPES_ASKED]);
    let mut written = Vec::new();
    request.encode(&mut written).unwrap();
    assert!(TypeLookupRequest::decode(&written).is_ok());
    request.call = TypeLookupCall::Types(vec![longer(); MOST_TYPES_ASKED + 1]);
    written.clear();
    request.encode(&mut written).unwrap();
    assert!(TypeLookupRequest::decode(&written).is_err());
}

#[test]
fn other_names_are_of_no_participant() {
    for name in
        ["", "dds.builtin.TOS.", "dds.builtin.TOS.0110", "dds.builtin.TOS.01105é1b117b2c1733822976000001c1"]
    {
        assert_eq!(service_of(name), None, "{name}");
    }
}
