"""A peer on Cyclone DDS 11 through its Python API. The contract is interop-tests/README.md."""

import os
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))

from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication  # noqa: E402
from cyclonedds.core import InstanceState, Listener  # noqa: E402
from cyclonedds.dynamic import get_types_for_typeid  # noqa: E402
from cyclonedds.domain import Domain, DomainParticipant  # noqa: E402
from cyclonedds.idl import IdlStruct, types  # noqa: E402
from cyclonedds.idl.annotations import final, key  # noqa: E402
from cyclonedds.internal import InvalidSample  # noqa: E402
from cyclonedds.pub import DataWriter, Publisher  # noqa: E402
from cyclonedds.qos import Policy, Qos  # noqa: E402
from cyclonedds.sub import DataReader, Subscriber  # noqa: E402
from cyclonedds.topic import Topic  # noqa: E402
from cyclonedds.util import duration  # noqa: E402

import peer_common as common  # noqa: E402
from cyclone_common import POLICIES, ShapeType  # noqa: E402


@dataclass
@final
class FinalKeyed(IdlStruct, typename="FinalKeyed"):
    id: types.int32
    key("id")
    x: types.int32
    ratio: types.float64
    label: str


@dataclass
@final
class MixedMembers(IdlStruct, typename="MixedMembers"):
    flag: bool
    wide: types.int64
    small: types.byte
    ratio: types.float64
    narrow: types.int16
    count: types.uint32
    fraction: types.float32
    text: str
    numbers: types.sequence[types.int32]
    triple: types.array[types.int32, 3]


@dataclass
@final
class String_(IdlStruct, typename="std_msgs.msg.dds_.String_"):
    data: str


DURABILITIES = {"volatile": Policy.Durability.Volatile, "transient-local": Policy.Durability.TransientLocal,
                "transient": Policy.Durability.Transient, "persistent": Policy.Durability.Persistent}
PRESENTATIONS = {"instance": Policy.PresentationAccessScope.Instance, "topic": Policy.PresentationAccessScope.Topic,
                 "group": Policy.PresentationAccessScope.Group}

TYPES = {"shape": ShapeType, "final": FinalKeyed, "mixed": MixedMembers, "string": String_}


class Events(Listener):
    def __init__(self, loop):
        super().__init__()
        self.loop = loop

    def on_data_available(self, reader):
        self.loop.data_available()

    def on_publication_matched(self, writer, status):
        self.loop.report_match(status.current_count)

    def on_subscription_matched(self, reader, status):
        self.loop.report_match(status.current_count)

    def _incompatible(self, status):
        policy = status.last_policy_id
        common.emit("incompatible_qos", policy=POLICIES[policy] if policy < len(POLICIES) else "UNKNOWN")

    def on_offered_incompatible_qos(self, writer, status):
        self._incompatible(status)

    def on_requested_incompatible_qos(self, reader, status):
        self._incompatible(status)

    def on_liveliness_changed(self, reader, status):
        common.emit("liveliness_changed", alive=status.alive_count, not_alive=status.not_alive_count)

    def on_liveliness_lost(self, writer, status):
        common.emit("liveliness_lost")

    def on_offered_deadline_missed(self, writer, status):
        common.emit("deadline_missed")

    def on_requested_deadline_missed(self, reader, status):
        common.emit("deadline_missed")


def endpoint_qos(options):
    history = Policy.History.KeepAll if options.history == 0 else Policy.History.KeepLast(options.history)
    policies = [
        Policy.Reliability.Reliable(duration(seconds=10)) if options.reliability == "reliable" else Policy.Reliability.BestEffort,
        DURABILITIES[options.durability],
        history,
        Policy.DataRepresentation(use_cdrv0_representation=options.representation == 1,
                                  use_xcdrv2_representation=options.representation == 2),
    ]
    if options.role == "pub":
        # Unregistering must not dispose as well.
        policies.append(Policy.WriterDataLifecycle(autodispose=False))
        if options.durability != "volatile":
            policies.append(Policy.DurabilityService(0, history, -1, -1, -1))
    if options.deadline_ms:
        policies.append(Policy.Deadline(duration(milliseconds=options.deadline_ms)))
    if options.latency_budget_ms:
        policies.append(Policy.LatencyBudget(duration(milliseconds=options.latency_budget_ms)))
    if options.lifespan_ms and options.role == "pub":
        policies.append(Policy.Lifespan(duration(milliseconds=options.lifespan_ms)))
    if options.separation_ms and options.role == "sub":
        policies.append(Policy.TimeBasedFilter(duration(milliseconds=options.separation_ms)))
    if options.destination_order == "source":
        policies.append(Policy.DestinationOrder.BySourceTimestamp)
    if options.max_samples:
        policies.append(Policy.ResourceLimits(options.max_samples, -1, -1))
    if options.manual_lease_ms:
        policies.append(Policy.Liveliness.ManualByTopic(duration(milliseconds=options.manual_lease_ms)))
    if options.ownership_strength is not None:
        policies.append(Policy.Ownership.Exclusive)
        if options.role == "pub":
            policies.append(Policy.OwnershipStrength(options.ownership_strength))
    if options.user_data is not None:
        policies.append(Policy.Userdata(options.user_data.encode()))
    return Qos(*policies)


def group_qos(options):
    policies = []
    if options.partition is not None:
        policies.append(Policy.Partition([options.partition]))
    if options.presentation != "default":
        policies.append(PRESENTATIONS[options.presentation](coherent_access=True, ordered_access=True))
    if options.group_data is not None:
        policies.append(Policy.Groupdata(options.group_data.encode()))
    return Qos(*policies)


def announced(qos):
    """What a remote endpoint's policies say, in the words of the command line."""
    def ms(policy, member, absent):
        nanoseconds = getattr(qos[policy], member) if qos[policy] is not None else absent
        return -1 if nanoseconds == duration(infinite=True) else nanoseconds // 1_000_000

    def text(policy):
        return qos[policy].data.decode() if qos[policy] is not None else ""

    presentation = qos[Policy.PresentationAccessScope.Instance]
    durability = qos[Policy.Durability.Volatile]
    return {
        "durability": next((name for name, policy in DURABILITIES.items() if policy == durability), "volatile"),
        "presentation": "instance" if presentation is None else type(presentation).__name__.lower(),
        "coherent": presentation is not None and presentation.coherent_access,
        "ordered": presentation is not None and presentation.ordered_access,
        "destination_order": "source" if qos[Policy.DestinationOrder.BySourceTimestamp] == Policy.DestinationOrder.BySourceTimestamp
        else "reception",
        "latency_budget_ms": ms(Policy.LatencyBudget, "budget", 0),
        "lifespan_ms": ms(Policy.Lifespan, "lifespan", duration(infinite=True)),
        "separation_ms": ms(Policy.TimeBasedFilter, "filter_time", 0),
        "user_data": text(Policy.Userdata),
        "topic_data": text(Policy.Topicdata),
        "group_data": text(Policy.Groupdata),
    }


def discovered(participant, topic):
    """The type that a writer of the topic has, asked of its participant."""
    publications = BuiltinDataReader(participant, BuiltinTopicDcpsPublication)
    end = time.monotonic() + 25
    while time.monotonic() < end:
        for publication in publications.take(N=64):
            if getattr(publication, "topic_name", None) == topic and publication.type_id is not None:
                return get_types_for_typeid(participant, publication.type_id, duration(seconds=10))[0]
        time.sleep(0.1)
    raise TimeoutError(f"no writer of {topic} tells its type")


class Cyclone(common.Stack):
    def __init__(self, options, loop):
        self.options = options
        configuration = os.environ.get("CYCLONEDDS_URI", "")
        if options.lease_ms:
            lease = f"<Discovery><LeaseDuration>{options.lease_ms} ms</LeaseDuration></Discovery>"
            configuration = lease + ("," + configuration if configuration else "")
        self.domain = Domain(options.domain, configuration)
        self.participant = DomainParticipant(options.domain)
        if options.type == "discovered":
            self.kind = discovered(self.participant, options.topic)
            options.type = next(name for name, kind in TYPES.items() if kind.__idl_typename__ == self.kind.__idl_typename__)
        else:
            self.kind = TYPES[options.type]
        of_topic = Qos() if options.topic_data is None else Qos(Policy.Topicdata(options.topic_data.encode()))
        self.topic = Topic(self.participant, options.topic, self.kind, qos=of_topic)
        group, endpoint = (Publisher, DataWriter) if options.role == "pub" else (Subscriber, DataReader)
        self.group = group(self.participant, qos=group_qos(options))
        # The listener is set afterwards so that `ready` comes before `matched`.
        self.endpoint = endpoint(self.group, self.topic, qos=endpoint_qos(options))
        common.emit("ready", peer="cyclonedds-python", version=version("cyclonedds"))
        self.listener = Events(loop)
        self.endpoint.set_listener(self.listener)

    def write(self, i, k):
        options = self.options
        if options.type == "shape":
            octets = common.payload(options, i, k)
            sample = ShapeType(common.color(options, k), i, 2 * i + k, i + 1, list(octets))
            value = common.shape_value(sample.color, sample.x, sample.y, sample.shapesize, octets)
        elif options.type == "final":
            sample = FinalKeyed(k, i, i * 0.25 + k, f"label-{i}-{k}")
            value = dict(vars(sample))
        elif options.type == "mixed":
            value = common.mixed(i)
            sample = MixedMembers(**value)
        else:
            sample = String_(f"Hello World: {i}")
            value = {"data": sample.data}
        self.endpoint.write(sample)
        return value

    def _key(self, sample):
        return {"shape": lambda: {"color": sample.color}, "final": lambda: {"id": sample.id}}.get(self.options.type, dict)()

    def end(self, k, how):
        sample = ShapeType(common.color(self.options, k), 0, 0, 0, []) if self.options.type == "shape" else FinalKeyed(k, 0, 0.0, "")
        self.endpoint.dispose(sample) if how == "dispose" else self.endpoint.unregister_instance(sample)
        return self._key(sample)

    def wait_for_acknowledgments(self):
        try:
            self.endpoint.wait_for_acks(duration(seconds=10))
        except AttributeError:
            pass  # How cyclonedds 11.0.1 reports its time-out: a misspelt constant.

    def peers(self):
        endpoint = self.endpoint
        if self.options.role == "pub":
            handles, data = endpoint.get_matched_subscriptions(), endpoint.get_matched_subscription_data
        else:
            handles, data = endpoint.get_matched_publications(), endpoint.get_matched_publication_data
        return [announced(data(handle).qos) for handle in handles]

    def change_data(self, which, text):
        entity, policy = {"user": (self.endpoint, Policy.Userdata), "topic": (self.topic, Policy.Topicdata),
                          "group": (self.group, Policy.Groupdata)}[which]
        entity.set_qos(Qos(policy(text.encode())))

    def set(self, policy, value):
        if policy == "lifespan-ms":
            changed = Policy.Lifespan(duration(milliseconds=int(value)))
        elif policy == "ownership-strength":
            changed = Policy.OwnershipStrength(int(value))
        else:
            raise ValueError(f"no such policy: {policy}")
        self.endpoint.set_qos(Qos(changed))

    def _value(self, sample):
        if self.options.type == "shape":
            return common.shape_value(sample.color, sample.x, sample.y, sample.shapesize, bytes(sample.additional_payload_size))
        return {name: getattr(sample, name) for name in self.kind.__dataclass_fields__ if name != "sample_info"}

    def take(self):
        taken = []
        for sample in self.endpoint.take(N=64):
            state = sample.sample_info.instance_state
            name = {InstanceState.Alive: "ALIVE", InstanceState.NotAliveDisposed: "DISPOSED"}.get(state, "NO_WRITERS")
            if isinstance(sample, InvalidSample):
                taken.append((self._key(sample.key_sample), False, name))
            else:
                taken.append((self._value(sample), True, name))
        return taken

    def close(self):
        """The participant goes with the process's own orderly exit below."""
        self.endpoint.set_listener(None)
        for entity in (self.endpoint, self.group, self.topic, self.participant, self.domain):
            entity.__del__()


if __name__ == "__main__":
    common.main(Cyclone)
