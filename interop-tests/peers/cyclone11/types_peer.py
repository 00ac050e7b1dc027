"""Writers or readers of many types at once, on Cyclone DDS 11: see interop-tests/src/types.rs.

types_peer.py pub|sub VARIANT=TYPE:POLICY…    until standard input ends
"""

import json
import select
import sys
from typing import Optional

from cyclonedds.core import WaitSet, ReadCondition, ViewState, SampleState, InstanceState  # noqa: F401
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlEnum, IdlStruct, IdlUnion, make_idl_enum, make_idl_struct, make_idl_union, types
from cyclonedds.idl.annotations import extensibility
from cyclonedds.pub import DataWriter
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

i32, f64, i64 = types.int32, types.float64, types.int64
KEY, MUST = {"key": True}, {"must_understand": True}


def identified(number, **others):
    return {"id": number, **others}


def struct(kind, typename="T", **members):
    fields, annotations = {}, {}
    for name, member in members.items():
        fields[name], annotations[name] = member if isinstance(member, tuple) else (member, {})
    cls = make_idl_struct(typename, typename, fields, field_annotations=annotations)
    return extensibility(kind)(cls)


def enumeration(kind, **literals):
    return extensibility(kind)(make_idl_enum("State", "State", literals))


def union(kind, **cases):
    members = {name: types.default[case] if label == 0 else types.case[label, case]
               for name, (label, case) in cases.items()}
    return extensibility(kind)(make_idl_union("U", "U", members, i32))


FINAL, APPENDABLE, MUTABLE = "final", "appendable", "mutable"
point = struct(APPENDABLE, "Point", id=(i32, KEY), x=i32)
longer_point = struct(APPENDABLE, "Point", id=(i32, KEY), x=i32, y=f64)
final_point = struct(FINAL, "Point", id=(i32, KEY), x=i32)
longer_final_point = struct(FINAL, "Point", id=(i32, KEY), x=i32, y=f64)
two = enumeration(APPENDABLE, Off=0, On=1)
three = enumeration(APPENDABLE, Off=0, On=1, Standby=2)
named = enumeration(APPENDABLE, Off=0, Active=1)
shifted = enumeration(APPENDABLE, Off=0, On=3)
final_two = enumeration(FINAL, Off=0, On=1)
final_three = enumeration(FINAL, Off=0, On=1, Standby=2)
union_two = union(APPENDABLE, A=(1, i32), B=(2, f64))
union_three = union(APPENDABLE, A=(1, i32), B=(2, f64), C=(3, str))
union_changed = union(APPENDABLE, A=(1, str), B=(2, f64))
union_final_three = union(FINAL, A=(1, i32), B=(2, f64), C=(3, str))
union_final_two = union(FINAL, A=(1, i32), B=(2, f64))

TYPES = {
    "base": (struct(APPENDABLE, id=(i32, KEY), x=i32), lambda c: c(1, 2)),
    "longer": (struct(APPENDABLE, id=(i32, KEY), x=i32, y=f64), lambda c: c(1, 2, 3.5)),
    "swapped": (struct(APPENDABLE, x=(i32, identified(1)), id=(i32, identified(0, **KEY))), lambda c: c(2, 1)),
    "renamed": (struct(APPENDABLE, id=(i32, KEY), z=i32), lambda c: c(1, 2)),
    "widened": (struct(APPENDABLE, id=(i32, KEY), x=i64), lambda c: c(1, 2)),
    "keyless": (struct(APPENDABLE, id=i32, x=i32), lambda c: c(1, 2)),
    "optional": (struct(APPENDABLE, id=(i32, KEY), x=Optional[i32]), lambda c: c(1, 2)),
    "strict": (struct(APPENDABLE, id=(i32, KEY), x=i32, y=(i32, MUST)), lambda c: c(1, 2, 3)),
    "final_base": (struct(FINAL, id=(i32, KEY), x=i32), lambda c: c(1, 2)),
    "final_longer": (struct(FINAL, id=(i32, KEY), x=i32, y=f64), lambda c: c(1, 2, 3.5)),
    "mutable": (struct(MUTABLE, id=(i32, identified(1, **KEY)), x=(i32, identified(2))), lambda c: c(1, 2)),
    "mutable_other": (
        struct(MUTABLE, x=(i32, identified(2)), y=(f64, identified(3)), id=(i32, identified(1, **KEY))),
        lambda c: c(2, 3.5, 1)),
    "mutable_optional": (
        struct(MUTABLE, id=(i32, identified(1, **KEY)), x=(Optional[i32], identified(2))), lambda c: c(1, 2)),
    "mutable_moved": (
        struct(MUTABLE, id=(i32, identified(1, **KEY)), x=(i32, identified(7))), lambda c: c(1, 2)),
    "text": (struct(APPENDABLE, x=str), lambda c: c("abc")),
    "short_text": (struct(APPENDABLE, x=types.bounded_str[4]), lambda c: c("abc")),
    "long_text": (struct(APPENDABLE, x=types.bounded_str[9]), lambda c: c("abc")),
    "short_key": (struct(APPENDABLE, x=(types.bounded_str[4], KEY)), lambda c: c("abc")),
    "long_key": (struct(APPENDABLE, x=(types.bounded_str[9], KEY)), lambda c: c("abc")),
    "numbers": (struct(APPENDABLE, x=types.sequence[i32, 4]), lambda c: c([1, 2])),
    "many_numbers": (struct(APPENDABLE, x=types.sequence[i32]), lambda c: c([1, 2])),
    "three_numbers": (struct(APPENDABLE, x=types.array[i32, 3]), lambda c: c([1, 2, 3])),
    "four_numbers": (struct(APPENDABLE, x=types.array[i32, 4]), lambda c: c([1, 2, 3, 4])),
    "octet": (struct(APPENDABLE, x=types.byte), lambda c: c(7)),
    "uint8": (struct(APPENDABLE, x=types.uint8), lambda c: c(7)),
    "nested": (
        struct(APPENDABLE, inner=point, list=types.sequence[point], last=i32),
        lambda c: c(point(1, 2), [point(3, 4)], 5)),
    "nested_longer": (
        struct(APPENDABLE, inner=longer_point, list=types.sequence[longer_point], last=i32),
        lambda c: c(longer_point(1, 2, 0.5), [longer_point(3, 4, 0.5)], 5)),
    "nested_final": (struct(APPENDABLE, inner=final_point, last=i32), lambda c: c(final_point(1, 2), 5)),
    "nested_final_longer": (
        struct(APPENDABLE, inner=longer_final_point, last=i32), lambda c: c(longer_final_point(1, 2, 0.5), 5)),
    "two": (struct(APPENDABLE, state=two), lambda c: c(two.On)),
    "three": (struct(APPENDABLE, state=three), lambda c: c(three.On)),
    "named": (struct(APPENDABLE, state=named), lambda c: c(named.Active)),
    "shifted": (struct(APPENDABLE, state=shifted), lambda c: c(shifted.On)),
    "final_two": (struct(APPENDABLE, state=final_two), lambda c: c(final_two.On)),
    "final_three": (struct(APPENDABLE, state=final_three), lambda c: c(final_three.On)),
    "union_two": (struct(APPENDABLE, choice=union_two), lambda c: c(union_two(A=8))),
    "union_three": (struct(APPENDABLE, choice=union_three), lambda c: c(union_three(A=8))),
    "union_changed": (struct(APPENDABLE, choice=union_changed), lambda c: c(union_changed(A="8"))),
    "union_final_two": (struct(APPENDABLE, choice=union_final_two), lambda c: c(union_final_two(A=8))),
    "union_final_three": (struct(APPENDABLE, choice=union_final_three), lambda c: c(union_final_three(A=8))),
}


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, IdlEnum):
        return value.name
    if isinstance(value, IdlUnion):
        names = {1: "A", 2: "B", 3: "C"}
        return {names.get(value.discriminator, "?"): plain(value.value)}
    if isinstance(value, IdlStruct):
        return {name: plain(member) for name, member in vars(value).items() if not name.startswith("_")
                and name != "sample_info"}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return value


def consistency(policy):
    if policy == "equal":
        return Policy.TypeConsistency.DisallowTypeCoercion()
    return Policy.TypeConsistency.AllowTypeCoercion(
        ignore_sequence_bounds=policy != "bounds",
        ignore_string_bounds=policy != "bounds",
        ignore_member_names=policy == "ids",
        prevent_type_widening=policy == "narrow",
    )


def say(**event):
    print(json.dumps(event), flush=True)


def main():
    role, variants = sys.argv[1], [argument.split("=") for argument in sys.argv[2:]]
    participant = DomainParticipant(0)
    common = (Policy.Reliability.Reliable(duration(seconds=1)), Policy.Durability.TransientLocal,
              Policy.History.KeepAll, Policy.DataRepresentation(use_xcdrv2_representation=True))
    endpoints = {}
    for variant, chosen in variants:
        name, policy = chosen.split(":")
        cls, value = TYPES[name]
        try:
            topic = Topic(participant, variant, cls)
            if role == "pub":
                endpoints[variant] = DataWriter(participant, topic, qos=Qos(*common))
                endpoints[variant].write(value(cls))
            else:
                endpoints[variant] = DataReader(participant, topic, qos=Qos(*common, consistency(policy)))
        except Exception as error:  # noqa: BLE001: what Cyclone refuses is a result
            say(variant=variant, error=repr(error)[:200])
    matched = set()
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        for variant, endpoint in endpoints.items():
            if role == "pub":
                found = bool(endpoint.get_matched_subscriptions())
            else:
                found = bool(endpoint.get_matched_publications())
                for sample in endpoint.take(10):
                    say(variant=variant, sample=plain(sample))
            if found and variant not in matched:
                matched.add(variant)
                say(variant=variant, matched=True)


main()
