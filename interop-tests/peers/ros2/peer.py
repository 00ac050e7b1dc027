"""A ROS 2 Kilted node as a peer: std_msgs/String only. The contract is interop-tests/README.md.

`--topic rt/chatter` is the ROS topic /chatter. The participant's lease is rmw's own.
"""

import gc
import os
import queue
import sys
import threading
from importlib.metadata import version

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))

import rclpy  # noqa: E402
import rclpy.utilities  # noqa: E402
from rclpy.duration import Duration  # noqa: E402
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks  # noqa: E402
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor  # noqa: E402
from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy, qos_policy_name_from_kind  # noqa: E402
from rclpy.subscription_content_filter_options import ContentFilterOptions  # noqa: E402
from std_msgs.msg import String  # noqa: E402

import peer_common as common  # noqa: E402


class Ros(common.Stack):
    def __init__(self, options, loop):
        if options.type != "string" or not options.topic.startswith("rt/"):
            raise ValueError("a ROS 2 node has --type string and --topic rt/… only")
        self.options = options
        self.loop = loop
        self.received = queue.Queue()
        rclpy.init(domain_id=options.domain)
        self.node = rclpy.create_node("talker" if options.role == "pub" else "listener")
        profile = QoSProfile(
            history=QoSHistoryPolicy.KEEP_ALL if options.history == 0 else QoSHistoryPolicy.KEEP_LAST,
            depth=options.history,
            reliability=QoSReliabilityPolicy.RELIABLE if options.reliability == "reliable" else QoSReliabilityPolicy.BEST_EFFORT,
            durability=QoSDurabilityPolicy.TRANSIENT_LOCAL if options.durability == "transient-local" else QoSDurabilityPolicy.VOLATILE,
        )
        if options.deadline_ms:
            profile.deadline = Duration(nanoseconds=options.deadline_ms * 1_000_000)
        topic = options.topic.removeprefix("rt")
        # Events are called by the executor, which starts only after `ready` is printed.
        if options.role == "pub":
            events = PublisherEventCallbacks(matched=self._matched, incompatible_qos=self._incompatible)
            self.publisher = self.node.create_publisher(String, topic, profile, event_callbacks=events)
        else:
            events = SubscriptionEventCallbacks(matched=self._matched, incompatible_qos=self._incompatible)
            content = ContentFilterOptions(options.filter, []) if options.filter else None
            self.subscription = self.node.create_subscription(
                String, topic, self._message, profile, event_callbacks=events, content_filter_options=content)
        common.emit("ready", peer="rclpy", version=version("ros-rclpy"))
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.spinner = threading.Thread(target=self._spin, daemon=True)
        self.spinner.start()

    def _spin(self):
        try:
            self.executor.spin()
        except ExternalShutdownException:
            pass

    def _matched(self, status):
        self.loop.report_match(status.current_count)

    def _incompatible(self, status):
        name = qos_policy_name_from_kind(status.last_policy_kind)
        common.emit("incompatible_qos", policy=str(name).removesuffix("_QOS_POLICY"))

    def _message(self, message):
        self.received.put(message.data)
        self.loop.data_available()

    def write(self, i, k):
        data = f"Hello World: {i}"
        self.publisher.publish(String(data=data))
        return {"data": data}

    def wait_for_acknowledgments(self):
        self.publisher.wait_for_all_acked(Duration(seconds=10))

    def take(self):
        taken = []
        while not self.received.empty():
            taken.append(({"data": self.received.get()}, True, "ALIVE"))
        return taken

    def endpoints(self):
        topic = self.options.topic.removeprefix("rt")
        for kind, known in [("pub", self.node.get_publishers_info_by_topic(topic)),
                            ("sub", self.node.get_subscriptions_info_by_topic(topic))]:
            for endpoint in known:
                yield {"role": kind, "type": endpoint.topic_type, "type_hash": str(endpoint.topic_type_hash)}

    def close(self):
        self.executor.shutdown()
        self.spinner.join(timeout=5)
        self.node.destroy_node()
        rclpy.shutdown()
        # The participant goes with the last reference to the context, which waits in cycles.
        self.node = self.executor = None
        self.__dict__.pop("publisher", None)
        self.__dict__.pop("subscription", None)
        rclpy.utilities.g_default_context = None
        gc.collect()


if __name__ == "__main__":
    common.main(Ros)
