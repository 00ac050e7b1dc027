"""Writes CDR vectors made by foreign encoders. See README.md."""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional

import cyclonedds.idl.annotations as annotate
import cyclonedds.idl.types as types
from cyclonedds.idl import IdlBitmask, IdlEnum, IdlStruct, IdlUnion
from cyclonedds.idl._support import Endianness
from cyclonedds.idl._xt_builder import XTBuilder

EXTENSIBILITIES = ("final", "appendable", "mutable")


def encapsulated(encode, versions=(1, 2)):
    """All encodings of one value, by the name of their version and byte order."""
    result = {}
    for version in versions:
        for name, endianness in (("le", Endianness.Little), ("be", Endianness.Big)):
            result[f"xcdr{version}_{name}"] = encode(endianness, version == 2).hex()
    return result


def vector(name, extensibility, value, versions=(1, 2)):
    entry = {"name": name, "extensibility": extensibility}
    entry["data"] = encapsulated(
        lambda e, v2: value.serialize(endianness=e, use_version_2=v2), versions
    )
    idl = type(value).__idl__
    if not idl.keyless and isinstance(value, IdlStruct):
        entry["key"] = encapsulated(
            lambda e, v2: value.serialize_key(endianness=e, use_version_2=v2), versions
        )
        if extensibility == "final":
            entry["canonical"] = idl.serialize_key_normalized(
                value, use_version_2=True, endianness=Endianness.Big
            ).hex()
    return entry


class Color(IdlEnum, typename="Color"):
    RED = 0
    GREEN = 1
    BLUE = 10


@annotate.bit_bound(8)
class Small(IdlEnum, typename="Small"):
    OFF = 0
    ON = 1


@annotate.bit_bound(16)
class Medium(IdlEnum, typename="Medium"):
    FIRST = 1
    SECOND = 300


@dataclass
@annotate.bit_bound(8)
class Flags(IdlBitmask, typename="Flags"):
    a: bool = False
    annotate.position("a", 0)
    b: bool = False
    annotate.position("b", 1)
    h: bool = False
    annotate.position("h", 7)


@dataclass
@annotate.bit_bound(64)
class Wide(IdlBitmask, typename="Wide"):
    low: bool = False
    annotate.position("low", 0)
    high: bool = False
    annotate.position("high", 31)


class FinalUnion(IdlUnion, discriminator=types.int32, typename="FinalUnion"):
    number: types.case[1, types.int64]
    text: types.case[[2, 3], str]
    other: types.default[types.uint8]


FinalUnion = annotate.final(FinalUnion)


@annotate.appendable
class ColorUnion(IdlUnion, discriminator=Color, typename="ColorUnion"):
    red: types.case[Color.RED, types.float64]
    blue: types.case[Color.BLUE, types.sequence[types.uint16]]


def structures(kind):
    """The structures of one extensibility, with a value or more of each."""
    extensibility = annotate.extensibility(kind)

    @dataclass
    @extensibility
    class Primitives(IdlStruct, typename="Primitives"):
        flag: bool
        octet: types.uint8
        tiny: types.int8
        long_long: types.int64
        short: types.int16
        ushort: types.uint16
        character: types.char
        long: types.int32
        ulong_long: types.uint64
        ulong: types.uint32
        single: types.float32
        last: types.uint8
        double: types.float64

    @dataclass
    @extensibility
    class Collections(IdlStruct, typename="Collections"):
        text: str
        short_text: types.bounded_str[8]
        octets: types.sequence[types.uint8]
        shorts: types.sequence[types.uint16]
        longs: types.sequence[types.int32, 4]
        doubles: types.sequence[types.float64]
        texts: types.sequence[str]
        booleans: types.sequence[bool]
        characters: types.sequence[types.char]
        empty: types.sequence[types.int64]
        after: types.uint8

    @dataclass
    @extensibility
    class Arrays(IdlStruct, typename="Arrays"):
        octets: types.array[types.uint8, 5]
        longs: types.array[types.int32, 3]
        doubles: types.array[types.float64, 2]
        matrix: types.array[types.array[types.int16, 2], 3]
        texts: types.array[str, 2]
        text_matrix: types.array[types.array[str, 2], 2]
        rows: types.sequence[types.array[types.int32, 2]]

    @dataclass
    @extensibility
    class Point(IdlStruct, typename="Point"):
        x: types.uint8
        y: types.float64

    @dataclass
    @extensibility
    class Nested(IdlStruct, typename="Nested"):
        before: types.uint8
        point: Point
        points: types.sequence[Point]
        pair: types.array[Point, 2]
        after: types.uint16

    @dataclass
    @extensibility
    class Enums(IdlStruct, typename="Enums"):
        before: types.uint8
        color: Color
        colors: types.sequence[Color]
        flags: Flags
        wide: Wide
        masks: types.sequence[Flags]
        pair: types.array[Color, 2]

    @dataclass
    @extensibility
    class BoundedEnums(IdlStruct, typename="BoundedEnums"):
        small: Small
        medium: Medium
        smalls: types.sequence[Small]
        mediums: types.array[Medium, 2]

    @dataclass
    @extensibility
    class Optionals(IdlStruct, typename="Optionals"):
        before: types.uint8
        octet: Optional[types.uint8]
        long_long: Optional[types.int64]
        text: Optional[str]
        point: Optional[Point]
        doubles: Optional[types.sequence[types.float64]]
        after: types.uint64

    @dataclass
    @extensibility
    class Unions(IdlStruct, typename="Unions"):
        before: types.uint8
        final: FinalUnion
        appendable: ColorUnion
        unions: types.sequence[FinalUnion]

    @dataclass
    @extensibility
    class Maps(IdlStruct, typename="Maps"):
        before: types.uint8
        numbers: Dict[types.int32, types.uint8]
        names: Dict[types.int16, str]

    @dataclass
    @extensibility
    class Inner(IdlStruct, typename="Inner"):
        ignored: types.uint64
        part: types.uint16
        annotate.key("part")
        name: str
        annotate.key("name")

    @dataclass
    @extensibility
    class Keyed(IdlStruct, typename="Keyed"):
        before: str
        id: types.int32
        annotate.key("id")
        between: types.sequence[types.float64]
        inner: Inner
        annotate.key("inner")
        point: Point
        annotate.key("point")
        array: types.array[types.uint16, 3]
        annotate.key("array")
        color: Color
        annotate.key("color")
        big: types.int64
        annotate.key("big")
        after: types.uint8

    @dataclass
    @extensibility
    class Ids(IdlStruct, typename="Ids"):
        third: types.uint16
        annotate.member_id("third", 30)
        annotate.key("third")
        first: types.uint32
        annotate.member_id("first", 10)
        annotate.key("first")
        second: str
        annotate.member_id("second", 20)
        hashed: types.int32
        annotate.member_hash_id("hashed")
        renamed: types.int64
        annotate.member_hash_id("renamed", b"other")  # the oracle hashes bytes only
        watched: types.uint8
        annotate.member_id("watched", 0x3F10)
        annotate.must_understand("watched")

    point = Point(x=3, y=-0.5)
    yield Primitives(
        flag=True, octet=200, tiny=-100, long_long=-(2**62) - 1, short=-30000, ushort=60000,
        character="q", long=-2000000000, ulong_long=2**63 + 5, ulong=4000000000, single=1.5, last=9,
        double=-2.25,
    ), "primitives"
    yield Collections(
        text="héllo", short_text="12345678", octets=[1, 2, 3], shorts=[1000, 2000, 3000],
        longs=[-1, 2, -3], doubles=[0.5, -1e300], texts=["", "ab", "xyz"], booleans=[True, False, True],
        characters=["a", "b"], empty=[], after=77,
    ), "collections"
    yield Arrays(
        octets=[1, 2, 3, 4, 5], longs=[-1, 0, 1], doubles=[0.25, 4.0], matrix=[[1, 2], [3, 4], [5, -6]],
        texts=["one", "three"], text_matrix=[["a", "bc"], ["", "d"]], rows=[[1, 2], [3, 4]],
    ), "arrays"
    yield Nested(
        before=1, point=point, points=[Point(x=1, y=1.0), Point(x=2, y=2.0)],
        pair=[Point(x=5, y=5.5), Point(x=6, y=6.5)], after=9,
    ), "nested"
    yield Enums(
        before=1, color=Color.BLUE, colors=[Color.RED, Color.GREEN], flags=Flags(a=True, b=False, h=True),
        wide=Wide(low=True, high=True), masks=[Flags(a=True), Flags(b=True), Flags()],
        pair=[Color.GREEN, Color.BLUE],
    ), "enums"
    yield BoundedEnums(
        small=Small.ON, medium=Medium.SECOND, smalls=[Small.OFF, Small.ON, Small.ON],
        mediums=[Medium.FIRST, Medium.SECOND],
    ), "bounded_enums"
    yield Optionals(
        before=1, octet=2, long_long=-3, text="four", point=point, doubles=[6.0], after=7
    ), "optionals_present"
    yield Optionals(
        before=1, octet=None, long_long=None, text=None, point=None, doubles=None, after=7
    ), "optionals_absent"
    yield Unions(
        before=1, final=FinalUnion(number=-5), appendable=ColorUnion(blue=[1, 2, 3]),
        unions=[FinalUnion(discriminator=3, value="abc"), FinalUnion(discriminator=77, value=8)],
    ), "unions"
    yield Maps(before=1, numbers={-1: 2, 3: 4}, names={1: "one", 2: "two"}), "maps"
    yield Keyed(
        before="skipped", id=-7, between=[1.0, 2.0], inner=Inner(ignored=1, part=2, name="three"),
        point=point, array=[4, 5, 6], color=Color.GREEN, big=2**40, after=8,
    ), "keyed"
    yield Ids(third=3, first=1, second="two", hashed=-4, renamed=5, watched=6), "ids"


def cyclone():
    for kind in EXTENSIBILITIES:
        for value, name in structures(kind):
            yield vector(name, kind, value)
    yield vector("union_topic", "final", FinalUnion(discriminator=2, value="top"))
    yield vector("union_topic", "appendable", ColorUnion(red=0.125))


def rosbags():
    from rosbags.typesys import Stores, get_typestore
    import numpy

    store = get_typestore(Stores.ROS2_HUMBLE)
    t = store.types
    time = t["builtin_interfaces/msg/Time"](sec=-3, nanosec=999_999_999)
    header = t["std_msgs/msg/Header"](stamp=time, frame_id="map")
    messages = {
        "string": t["std_msgs/msg/String"](data="Hello World: 1"),
        "transform": t["geometry_msgs/msg/TransformStamped"](
            header=header, child_frame_id="base_link",
            transform=t["geometry_msgs/msg/Transform"](
                translation=t["geometry_msgs/msg/Vector3"](x=1.0, y=-2.0, z=0.5),
                rotation=t["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.6, w=0.8),
            ),
        ),
        "joint_state": t["sensor_msgs/msg/JointState"](
            header=header, name=["a", "elbow"], position=numpy.array([0.1, 0.2]),
            velocity=numpy.array([], dtype=numpy.float64), effort=numpy.array([3.0]),
        ),
        "covariance": t["geometry_msgs/msg/PoseWithCovariance"](
            pose=t["geometry_msgs/msg/Pose"](
                position=t["geometry_msgs/msg/Point"](x=1.0, y=2.0, z=3.0),
                orientation=t["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
            ),
            covariance=numpy.arange(36, dtype=numpy.float64),
        ),
    }
    for name, message in messages.items():
        yield {
            "name": name,
            "extensibility": "final",
            "data": {
                "xcdr1_le": bytes(store.serialize_cdr(message, message.__msgtype__, little_endian=True)).hex(),
                "xcdr1_be": bytes(store.serialize_cdr(message, message.__msgtype__, little_endian=False)).hex(),
            },
        }


def rosbags_hashes():
    """The RIHS01 hash of every message of ROS 2 Kilted, and what each consists of."""
    from rosbags.interfaces import Nodetype
    from rosbags.typesys import Stores, get_typestore

    def member(name, description):
        kind, rest = description
        entry = {"name": name}
        if kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            (inner, rest), count = rest
            entry["array" if kind == Nodetype.ARRAY else "sequence"] = count
            kind = inner
        if kind == Nodetype.NAME:
            return entry | {"type": rest}
        base, bound = rest
        return entry | {"type": base} | ({"bound": bound} if bound else {})

    store = get_typestore(Stores.ROS2_KILTED)
    for name, (_, members) in store.fielddefs.items():
        yield {
            "name": name,
            "hash": store.hash_rihs01(name),
            "members": [member(*pair) for pair in members],
        }


def recursive():
    """Types that contain themselves, which only the module's global names can express."""

    @dataclass
    @annotate.final
    class Tree(IdlStruct, typename="Tree"):
        value: types.int32
        children: types.sequence["Tree"]

    @dataclass
    @annotate.final
    class Ping(IdlStruct, typename="Ping"):
        pongs: types.sequence["Pong"]
        color: Color

    @dataclass
    @annotate.final
    class Pong(IdlStruct, typename="Pong"):
        number: types.int16
        pings: types.sequence["Ping"]

    globals().update(Tree=Tree, Ping=Ping, Pong=Pong)
    for cls in (Tree, Ping):
        cls.__idl__.populate()
    return Tree, Ping


def type_objects(name, extensibility, cls):
    """Type information and type objects, as XCDR2 little endian without encapsulation headers."""

    def encoded(value):
        return value.serialize(endianness=Endianness.Little, use_version_2=True)[4:].hex()

    information, mapping = XTBuilder.process_type(cls)
    pairs = lambda pairs: [[encoded(pair.type_identifier), encoded(pair.type_object)] for pair in pairs]
    return {
        "name": name,
        "extensibility": extensibility,
        "information": encoded(information),
        "minimal": pairs(mapping.identifier_object_pair_minimal),
        "complete": pairs(mapping.identifier_object_pair_complete),
    }


def cyclone_types():
    for kind in EXTENSIBILITIES:
        seen = set()
        for value, name in structures(kind):
            # The oracle has no type objects of maps, and cannot write down hashes of other names.
            if type(value) not in seen and name not in ("maps", "ids"):
                seen.add(type(value))
                yield type_objects(name, kind, type(value))
    yield type_objects("union_topic", "final", FinalUnion)
    yield type_objects("union_topic", "appendable", ColorUnion)
    for cls in recursive():
        yield type_objects(cls.__idl_typename__.lower(), "final", cls)


def idlc():
    """The type information and type map that Cyclone DDS's compiler of C writes into its code."""
    source = Path(__file__).with_name("types.idl")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["idlc", "-o", folder, source], check=True)
        code = Path(folder, "types.c").read_text()
    found = re.findall(r"#define TYPE_(INFO|MAP)_CDR_(\w+) \(unsigned char \[\]\)\{([^}]*)\}", code)
    for (_, name, information), (_, _, mapping) in zip(found[::2], found[1::2]):
        hexadecimal = lambda text: "".join(re.findall(r"0x(..)", text))
        yield {"name": name, "information": hexadecimal(information), "map": hexadecimal(mapping)}


def main():
    target = Path(sys.argv[1])
    generators = {
        "cyclonedds": cyclone, "rosbags": rosbags, "rosbags_hashes": rosbags_hashes,
        "cyclonedds_types": cyclone_types, "idlc_types": idlc,
    }
    chosen = sys.argv[2:] or generators
    generators = {name: generators[name] for name in chosen}
    for name, generate in generators.items():
        vectors = generate()
        text = json.dumps(list(vectors), indent=1, ensure_ascii=False) + "\n"
        (target / f"{name}.json").write_text(text, encoding="utf-8")


main()
