"""`shape_main` on Cyclone DDS 11 through its Python API. The contract is the program's of
https://github.com/omg-dds/dds-rtps; the text is this project's own."""

import getopt
import os
import queue
import random
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cyclone11"))

from cyclonedds.core import InstanceState, Listener  # noqa: E402
from cyclonedds.domain import Domain, DomainParticipant  # noqa: E402
from cyclonedds.internal import InvalidSample  # noqa: E402
from cyclonedds.pub import DataWriter, Publisher  # noqa: E402
from cyclonedds.qos import Policy, Qos  # noqa: E402
from cyclonedds.sub import DataReader, Subscriber  # noqa: E402
from cyclonedds.topic import Topic  # noqa: E402
from cyclonedds.util import duration  # noqa: E402

from cyclone_common import POLICIES, ShapeType  # noqa: E402

DONE, ARGUMENTS, INITIALISATION, RUNNING = 0, 1, 2, 3

LONG = ["help", "cft=", "size-modulo=", "take-read", "write-period=", "read-period=", "time-filter=", "lifespan=",
        "num-iterations=", "num-instances=", "num-topics=", "final-instance-state=", "access-scope=", "coherent",
        "ordered", "coherent-sample-count=", "additional-payload-size=", "periodic-announcement=", "datafrag-size="]



class Stop:
    """Set by the handler of a signal, which may come while the main thread waits: a queue's `put` may be called there,
    where `threading.Event.set` would wait for the lock that its own thread holds."""

    def __init__(self):
        self._queue = queue.SimpleQueue()

    def set(self):
        self._queue.put(True)

    def is_set(self):
        return not self._queue.empty()

    def wait(self, seconds):
        try:
            self._queue.put(self._queue.get(timeout=seconds))
        except queue.Empty:
            pass


STOPPED = Stop()
_output_lock = threading.Lock()


def say(line):
    with _output_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Refused(Exception):
    """Ends the program with this line and code."""

    def __init__(self, line, code=INITIALISATION):
        super().__init__(line)
        self.code = code


class Options:
    def __init__(self, arguments):
        try:
            given, rest = getopt.getopt(arguments, "hv:PSd:brk:f:s:t:c:p:D:x:wz:R", LONG)
        except getopt.GetoptError as error:
            raise Refused(str(error), ARGUMENTS) from error
        self.given = dict(given)
        if "-h" in self.given or "--help" in self.given:
            raise Refused("options: see https://github.com/omg-dds/dds-rtps", DONE)
        if rest or ("-P" in self.given) == ("-S" in self.given):
            raise Refused("please specify one of: publish -P or subscribe -S", ARGUMENTS)
        if "-t" not in self.given:
            raise Refused("please specify topic name -t", ARGUMENTS)
        if "-c" in self.given and "--cft" in self.given:
            raise Refused("please specify only one of -c and --cft", ARGUMENTS)
        self.publisher = "-P" in self.given
        self.topic = self.given["-t"]
        self.color = self.given.get("-c")
        # The last of both counts.
        reliability = [name for name, _ in given if name in ("-b", "-r")]
        self.reliable = not reliability or reliability[-1] == "-r"
        if self.publisher and self.color is None:
            self.color = "BLUE"
            say('warning: color was not specified, defaulting to "BLUE"')

    def number(self, name, default, least=0):
        try:
            value = int(self.given.get(name, default))
        except ValueError as error:
            raise Refused(f"incorrect value for {name}", ARGUMENTS) from error
        if value < least and name in self.given:
            raise Refused(f"incorrect value for {name}: {value}", ARGUMENTS)
        return value

    def letter(self, name, default, allowed):
        value = self.given.get(name, default)[:1]
        if value not in allowed:
            raise Refused(f"unrecognized value for {name}", ARGUMENTS)
        return value

    def has(self, name):
        return name in self.given


def numbered(name, count):
    return [name if index == 0 else f"{name}{index}" for index in range(count)]


class StatusPrinter(Listener):
    """One listener for each endpoint, because the Python API's callbacks name no topic that is cheap to ask for."""

    def __init__(self, topic):
        super().__init__()
        self.topic = topic

    def _tell(self, callback, what):
        say(f"{callback}() topic: '{self.topic}'  type: 'ShapeType' : {what}")

    def _incompatible(self, callback, status):
        policy = status.last_policy_id
        self._tell(callback, f"{policy} ({POLICIES[policy] if policy < len(POLICIES) else 'UNKNOWN'})")

    def on_publication_matched(self, writer, status):
        self._tell("on_publication_matched", f"matched readers {status.current_count}")

    def on_subscription_matched(self, reader, status):
        self._tell("on_subscription_matched", f"matched writers {status.current_count}")

    def on_offered_incompatible_qos(self, writer, status):
        self._incompatible("on_offered_incompatible_qos", status)

    def on_requested_incompatible_qos(self, reader, status):
        self._incompatible("on_requested_incompatible_qos", status)

    def on_offered_deadline_missed(self, writer, status):
        self._tell("on_offered_deadline_missed", f"total = {status.total_count}")

    def on_requested_deadline_missed(self, reader, status):
        self._tell("on_requested_deadline_missed", f"total = {status.total_count}")

    def on_liveliness_changed(self, reader, status):
        self._tell("on_liveliness_changed", f"alive = {status.alive_count}")

    def on_liveliness_lost(self, writer, status):
        self._tell("on_liveliness_lost", f"total = {status.total_count}")


class Program:
    def __init__(self, options):
        self.options = o = options
        self.stopped = STOPPED
        if o.has("--cft"):
            raise Refused("a content filter in SQL is not supported")
        if o.color is not None and not o.publisher:
            # The cache calls a filter under its lock, and the filter needs the interpreter's, which `take` holds
            # while it waits for the cache's.
            raise Refused("a content filter is not supported: a function of Python deadlocks with take")
        if o.number("--coherent-sample-count", 0) > 0:
            raise Refused("coherent access is not supported")
        configuration = os.environ.get("CYCLONEDDS_URI", "")
        announcement, fragment = o.number("--periodic-announcement", 0), o.number("--datafrag-size", 0)
        if announcement:
            configuration = f"<Discovery><SPDPInterval>{announcement} ms</SPDPInterval></Discovery>," + configuration
        if fragment:
            configuration = f"<General><FragmentSize>{fragment} B</FragmentSize></General>," + configuration
        self.domain = Domain(o.number("-d", 0), configuration.rstrip(","))
        self.participant = DomainParticipant(o.number("-d", 0))
        self.topics, self.endpoints, self.listeners = [], [], []
        for name in numbered(o.topic, o.number("--num-topics", 1, 1)):
            say(f"Create topic: {name}")
            self.topics.append((name, Topic(self.participant, name, ShapeType)))
        kind = Publisher if o.publisher else Subscriber
        self.group = kind(self.participant, qos=self._group_qos())
        for name, topic in self.topics:
            self._endpoint(name, topic)

    def _group_qos(self):
        o = self.options
        scope = {"i": Policy.PresentationAccessScope.Instance, "t": Policy.PresentationAccessScope.Topic,
                 "g": Policy.PresentationAccessScope.Group}[o.letter("--access-scope", "i", "itg")]
        policies = []
        if o.has("--coherent") or o.has("--ordered"):
            policies.append(scope(coherent_access=o.has("--coherent"), ordered_access=o.has("--ordered")))
        if o.has("-p"):
            policies.append(Policy.Partition([o.given["-p"]]))
        return Qos(*policies)

    def _endpoint_qos(self):
        o = self.options
        durability = {"v": Policy.Durability.Volatile, "l": Policy.Durability.TransientLocal,
                      "t": Policy.Durability.Transient, "p": Policy.Durability.Persistent}[o.letter("-D", "v", "vltp")]
        representation = o.letter("-x", "1", "12")
        depth = o.number("-k", -1)
        history = Policy.History.KeepAll if depth == 0 else Policy.History.KeepLast(max(depth, 1))
        policies = [
            Policy.Reliability.Reliable(duration(seconds=10)) if o.reliable else Policy.Reliability.BestEffort,
            durability,
            history,
            Policy.DataRepresentation(use_cdrv0_representation=representation == "1",
                                      use_xcdrv2_representation=representation == "2"),
        ]
        strength = o.number("-s", -1, -1)
        if strength >= 0:
            policies.append(Policy.Ownership.Exclusive)
        if o.number("-f", 0):
            policies.append(Policy.Deadline(duration(milliseconds=o.number("-f", 0))))
        if o.publisher:
            # With autodispose Cyclone DDS disposes of the instances when the writer is deleted.
            policies.append(Policy.WriterDataLifecycle(autodispose=False))
            if o.letter("-D", "v", "vltp") != "v":
                policies.append(Policy.DurabilityService(0, history, -1, -1, -1))
            if strength > 0:
                policies.append(Policy.OwnershipStrength(strength))
            if o.number("--lifespan", 0):
                policies.append(Policy.Lifespan(duration(milliseconds=o.number("--lifespan", 0))))
        elif o.number("--time-filter", 0):
            policies.append(Policy.TimeBasedFilter(duration(milliseconds=o.number("--time-filter", 0))))
        return Qos(*policies)

    def _endpoint(self, name, topic):
        o = self.options
        if o.publisher:
            say(f"Create writer for topic: {name} color: {o.color}")
            make, listener = DataWriter, StatusPrinter(name)
        else:
            say(f"Create reader for topic: {name}")
            make, listener = DataReader, StatusPrinter(name)
        self.listeners.append(listener)
        self.endpoints.append((name, make(self.group, topic, qos=self._endpoint_qos(), listener=listener)))

    def _iterations(self, period):
        last, count = self.options.number("--num-iterations", 0), 0
        while not self.stopped.is_set() and (last == 0 or count < last):
            yield count
            self.stopped.wait(period / 1000)
            count += 1

    def publish(self):
        o = self.options
        colors = numbered(o.color, o.number("--num-instances", 1, 1))
        payload = [255] * o.number("--additional-payload-size", 0)
        place, speed = [random.randrange(240), random.randrange(270)], [random.randint(1, 5), random.randint(1, 5)]
        wanted, modulo = o.number("-z", 20), o.number("--size-modulo", 0)
        size = wanted
        for _ in self._iterations(o.number("--write-period", 33)):
            for axis, limit in enumerate((240, 270)):
                place[axis] += speed[axis]
                if not 0 <= place[axis] <= limit:
                    place[axis] = max(0, min(place[axis], limit))
                    speed[axis] = -speed[axis]
            if wanted == 0:
                size = size % modulo + 1 if modulo else size + 1
            for name, writer in self.endpoints:
                for color in colors:
                    shape = ShapeType(color, place[0], place[1], size, payload)
                    writer.write(shape)
                    if o.has("-w"):
                        self._print(name, shape)
        for _, writer in self.endpoints:
            for color in colors:
                state = o.letter("--final-instance-state", "-", "-ud")
                shape = ShapeType(color, 0, 0, 0, [])
                if state == "u":
                    writer.unregister_instance(shape)
                elif state == "d":
                    writer.dispose(shape)
            try:
                writer.wait_for_acks(duration(seconds=1))
            except AttributeError:
                pass  # How cyclonedds 11.0.1 reports its time-out: a misspelt constant.

    def subscribe(self):
        o = self.options
        for count in self._iterations(o.number("--read-period", 100)):
            if o.has("--ordered"):
                say(f"Reading with ordered access, iteration {count}")
            if o.has("--coherent"):
                say(f"Reading coherent sets, iteration {count}")
            for name, reader in self.endpoints:
                self._show(name, reader.read(N=1000) if o.has("-R") else reader.take(N=1000))

    def _show(self, name, samples):
        # Cyclone DDS tells of an instance's end with its last sample, if that has not been taken yet, and with an
        # invalid one of its own otherwise.
        last = {}
        for sample in samples:
            valid = not isinstance(sample, InvalidSample)
            last[sample.color if valid else sample.key_sample.color] = sample.sample_info.instance_state
            if valid:
                self._print(name, sample)
        for color, state in last.items():
            if state == InstanceState.NotAliveDisposed:
                say(f"{name:<10} {color:<10} NOT_ALIVE_DISPOSED_INSTANCE_STATE")
            elif state == InstanceState.NotAliveNoWriters:
                say(f"{name:<10} {color:<10} NOT_ALIVE_NO_WRITERS_INSTANCE_STATE")

    @staticmethod
    def _print(name, shape):
        payload = shape.additional_payload_size
        last = f" {{{payload[-1]}}}" if len(payload) else ""
        say(f"{name:<10} {shape.color:<10} {shape.x:03d} {shape.y:03d} [{shape.shapesize}]{last}")

    def finish(self):
        for _, endpoint in self.endpoints:
            endpoint.set_listener(None)
        for entity in [endpoint for _, endpoint in self.endpoints] + [self.group, self.participant, self.domain]:
            entity.__del__()
        say("Done.")


def main():
    signal.signal(signal.SIGINT, lambda *_: STOPPED.set())
    try:
        options = Options(sys.argv[1:])
        program = Program(options)
    except Refused as refused:
        say(str(refused))
        os._exit(refused.code)
    except Exception as error:
        say(f"failed to initialize: {error}")
        os._exit(INITIALISATION)
    try:
        program.publish() if options.publisher else program.subscribe()
    except Exception as error:
        say(f"failed while running: {error}")
        os._exit(RUNNING)
    program.finish()
    os._exit(DONE)


if __name__ == "__main__":
    main()
