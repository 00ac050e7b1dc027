"""What the Python peers share: command line, values, JSON lines and the main loop.

The contract is interop-tests/README.md. A peer supplies an object with the methods of `Stack`.
"""

import argparse
import json
import os
import queue
import sys
import threading
import time
import zlib

DONE, ARGUMENTS, INITIALISATION, RUNNING = 0, 1, 2, 3
_output_lock = threading.Lock()


def emit(event, **fields):
    line = json.dumps({"event": event, **fields}, ensure_ascii=False, separators=(",", ":"))
    with _output_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Parser(argparse.ArgumentParser):
    def error(self, message):
        emit("error", message=message)
        sys.exit(ARGUMENTS)


def parse(argv=None):
    parser = Parser(prog="peer")
    parser.add_argument("role", choices=["pub", "sub"])
    parser.add_argument("--type", default="shape", choices=["shape", "final", "mixed", "string", "discovered"])
    parser.add_argument("--topic", default="Square")
    parser.add_argument("--color", default="BLUE")
    parser.add_argument("--partition")
    parser.add_argument("--filter")
    parser.add_argument("--domain", type=int, default=0)
    parser.add_argument("--reliability", default="reliable", choices=["reliable", "best-effort"])
    parser.add_argument("--durability", default="volatile", choices=["volatile", "transient-local", "transient", "persistent"])
    parser.add_argument("--presentation", default="default", choices=["default", "instance", "topic", "group"])
    parser.add_argument("--destination-order", default="reception", choices=["reception", "source"])
    for name in ["user-data", "topic-data", "group-data"]:
        parser.add_argument("--" + name)
    parser.add_argument("--history", default="keep-all")
    parser.add_argument("--representation", type=int, default=0)
    for name, default in [("count", 10), ("period-ms", 10), ("instances", 1), ("payload", 0), ("deadline-ms", 0),
                          ("lease-ms", 0), ("wait-matched", 1), ("expect", 0), ("expect-ended", 0),
                          ("linger-ms", 0), ("timeout-s", 30), ("latency-budget-ms", 0), ("lifespan-ms", 0),
                          ("separation-ms", 0), ("max-samples", 0), ("manual-lease-ms", 0),
                          ("ownership-strength", None)]:
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--end", default="none", choices=["none", "dispose", "unregister"])
    parser.add_argument("--stdin", action="store_true")
    options = parser.parse_args(argv)
    options.history = 0 if options.history == "keep-all" else int(options.history)
    # The appendable type goes out in XCDR2 unless told otherwise: not every peer has it in XCDR1.
    options.representation = options.representation or (2 if options.type == "shape" else 1)
    return options


def color(options, k):
    return options.color if k == 0 else f"{options.color}{k}"


def payload(options, i, k):
    period = bytes((j * 31 + i * 7 + k) & 0xFF for j in range(256))
    return (period * (options.payload // 256 + 1))[: options.payload]


def mixed(i):
    return {
        "flag": i % 2 == 1,
        "wide": -(i + 1) * 4294967299,
        "small": i & 0xFF,
        "ratio": i * 0.5 - 1.0,
        "narrow": -(i % 30000),
        "count": 4000000000 + i,
        "fraction": i * 0.125,
        "text": f"Grüße-{i}",
        "numbers": [i + j for j in range(i % 5)],
        "triple": [i, -i, (i * i) % 1000],
    }


def shape_value(name, x, y, shapesize, octets):
    return {"color": name, "x": x, "y": y, "shapesize": shapesize, "payload_len": len(octets), "payload_crc": zlib.crc32(octets)}


class Stack:
    """What a vendor's adapter provides to the main loop."""

    def write(self, i, k):
        """Writes the sample of round i and instance k and returns its value as printed."""
        raise NotImplementedError

    def end(self, k, how):
        """Disposes or unregisters instance k and returns its key as printed."""
        raise NotImplementedError

    def wait_for_acknowledgments(self):
        raise NotImplementedError

    def take(self):
        """Returns [(value, valid, instance_state)] of everything there."""
        raise NotImplementedError

    def endpoints(self):
        """Returns what the stack tells of the topic's endpoints, each as an event's fields."""
        raise NotImplementedError

    def peers(self):
        """Returns what each matched remote endpoint announces."""
        raise NotImplementedError

    def change_data(self, which, text):
        """Changes USER_DATA, TOPIC_DATA or GROUP_DATA: which is user, topic or group."""
        raise NotImplementedError

    def set(self, policy, value):
        """Changes a policy at run time, by the name of its option."""
        raise NotImplementedError

    def close(self):
        raise NotImplementedError


class Loop:
    """The life of a peer: events come from listener threads and standard input through one queue."""

    def __init__(self, options):
        self.options = options
        self.events = queue.Queue()
        self.matched = 0
        self.samples = 0
        self.ended = 0
        self.round = 0
        self.leaving = False
        self.holds = False
        self.stack = None
        self.deadline = time.monotonic() + options.timeout_s

    def report_match(self, current):
        if current != self.matched:
            emit("matched" if current > self.matched else "unmatched", count=current)
        self.matched = current
        self.events.put(None)

    def data_available(self):
        self.events.put(None)

    def _read_stdin(self):
        for line in sys.stdin:
            self.events.put(line.strip())
        self.events.put("quit")

    def _expired(self):
        return time.monotonic() >= self.deadline

    def _wait(self, until):
        """Handles one event, or returns at `until`."""
        remaining = max(0.0, min(until, self.deadline) - time.monotonic())
        try:
            command = self.events.get(timeout=remaining) if remaining > 0 else self.events.get_nowait()
        except queue.Empty:
            command = None
        self._take()
        if command is not None:
            self._command(command)

    def _take(self):
        if self.options.role == "sub" and not self.holds:
            for value, valid, state in self.stack.take():
                emit("sample", value=value, valid=valid, instance_state=state)
                if valid:
                    self.samples += 1
                else:
                    self.ended += 1

    def _command(self, command):
        if command == "quit":
            self.leaving = True
        elif command.startswith("write "):
            self._write_rounds(int(command[6:]))
            self._done()
        elif command in ("dispose", "unregister"):
            self._end_instances(command)
            self._done()
        elif command == "endpoints":
            for endpoint in self.stack.endpoints():
                emit("endpoint", **endpoint)
            self._done()
        elif command == "peers":
            for peer in self.stack.peers():
                emit("peer", **peer)
            self._done()
        elif command.split(" ")[0] in ("user-data", "topic-data", "group-data"):
            which, text = command.split(" ", 1)
            self.stack.change_data(which.removesuffix("-data"), text)
            self._done()
        elif command.startswith("set "):
            self.stack.set(*command.split(" ")[1:])
            self._done()
        elif command in ("hold", "take"):
            self.holds = command == "hold"
            self._take()
            self._done()
        else:
            emit("error", message="unknown command " + command)
            self.leaving = True

    def _write_rounds(self, count):
        for _ in range(count):
            if self.leaving or self._expired():
                return
            due = time.monotonic() + self.options.period_ms / 1000
            i, self.round = self.round, self.round + 1
            for k in range(self.options.instances):
                emit("sent", value=self.stack.write(i, k))
            while not self.leaving and time.monotonic() < min(due, self.deadline):
                self._wait(due)

    def _end_instances(self, how):
        for k in range(self.options.instances):
            emit("ended", value=self.stack.end(k, how), how=how)

    def _done(self):
        if self.options.role == "pub" and self.options.reliability == "reliable" and self.matched > 0:
            self.stack.wait_for_acknowledgments()
        emit("done")

    def _satisfied(self):
        if self.options.role == "pub":
            return self.matched >= self.options.wait_matched
        return self.samples >= self.options.expect and self.ended >= self.options.expect_ended

    def run(self, stack):
        self.stack = stack
        options = self.options
        if options.stdin:
            threading.Thread(target=self._read_stdin, daemon=True).start()
        while not self.leaving and not self._expired() and not self._satisfied():
            self._wait(self.deadline)
        if options.role == "pub" and self._satisfied() and not self.leaving:
            self._write_rounds(options.count)
            if options.end != "none":
                self._end_instances(options.end)
        timed_out = self._expired()
        if not timed_out:
            self._done()
            leave = self.deadline if options.stdin else time.monotonic() + options.linger_ms / 1000
            while not self.leaving and time.monotonic() < leave:
                self._wait(leave)
            timed_out = options.stdin and not self.leaving
        if timed_out:
            emit("timeout")
        stack.close()
        return RUNNING if timed_out else DONE


def main(make_stack):
    """The whole program: a stack is made of the options and the loop."""
    options = parse()
    loop = Loop(options)
    try:
        stack = make_stack(options, loop)
    except Exception as error:
        emit("error", message=str(error))
        os._exit(INITIALISATION)
    code = loop.run(stack)
    sys.stdout.flush()
    # Threads of the stack may still be there.
    os._exit(code)
