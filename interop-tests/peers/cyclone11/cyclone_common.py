"""What the programs on Cyclone DDS 11 share."""

from dataclasses import dataclass

from cyclonedds.idl import IdlStruct, types
from cyclonedds.idl.annotations import appendable, key

# By their numbers in Cyclone DDS, which are not all those of the standard.
POLICIES = ["INVALID", "USER_DATA", "DURABILITY", "PRESENTATION", "DEADLINE", "LATENCY_BUDGET", "OWNERSHIP",
            "OWNERSHIP_STRENGTH", "LIVELINESS", "TIME_BASED_FILTER", "PARTITION", "RELIABILITY", "DESTINATION_ORDER",
            "HISTORY", "RESOURCE_LIMITS", "ENTITY_FACTORY", "WRITER_DATA_LIFECYCLE", "READER_DATA_LIFECYCLE",
            "TOPIC_DATA", "GROUP_DATA", "TRANSPORT_PRIORITY", "LIFESPAN", "DURABILITY_SERVICE", "PROPERTY",
            "TYPE_CONSISTENCY_ENFORCEMENT", "DATA_REPRESENTATION"]


@dataclass
@appendable
class ShapeType(IdlStruct, typename="ShapeType"):
    color: types.bounded_str[128]
    key("color")
    x: types.int32
    y: types.int32
    shapesize: types.int32
    additional_payload_size: types.sequence[types.byte]
