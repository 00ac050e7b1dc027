// A peer on Fast DDS, 2.9 or 3.2 by the types header chosen at build time.
// The contract is interop-tests/README.md.
#include "../common/peer_common.h"

#ifdef FASTDDS_3
#include "types_3.hpp"
#include "endpoints_3.hpp"
#include "types_object_3.hpp"
#else
#include "types_2.hpp"
#include "endpoints_2.hpp"
#include "interopTypeObject.h"
#endif

#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/DataWriterListener.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/DataReaderListener.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/ContentFilteredTopic.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace eprosima::fastdds::dds;

static const char *policy_name(uint32_t id) {
  static const char *const names[] = {
      "INVALID", "USER_DATA", "DURABILITY", "PRESENTATION", "DEADLINE", "LATENCY_BUDGET", "OWNERSHIP", "OWNERSHIP_STRENGTH",
      "LIVELINESS", "TIME_BASED_FILTER", "PARTITION", "RELIABILITY", "DESTINATION_ORDER", "HISTORY", "RESOURCE_LIMITS",
      "ENTITY_FACTORY", "WRITER_DATA_LIFECYCLE", "READER_DATA_LIFECYCLE", "TOPIC_DATA", "GROUP_DATA", "TRANSPORT_PRIORITY",
      "LIFESPAN", "DURABILITY_SERVICE", "DATA_REPRESENTATION", "TYPE_CONSISTENCY_ENFORCEMENT"};
  return id < sizeof names / sizeof *names ? names[id] : "UNKNOWN";
}

// What the endpoints of others announce, by GUID: Fast DDS 2.9 tells a participant's listener only.
class Discovered : public EndpointListener {
 public:
  void report() {
    std::lock_guard<std::mutex> guard(mutex);
    for (const auto &entry : known) {
      char line[1024];
      peer_json_announced(line, sizeof line, &entry.second);
      PEER_EMIT("%s", line);
    }
  }

 protected:
  void seen(const Guid &guid, const peer_announced *announced) override {
    std::lock_guard<std::mutex> guard_(mutex);
    if (announced == nullptr) known.erase(guid);
    else known[guid] = *announced;
  }

 private:
  std::mutex mutex;
  std::map<Guid, peer_announced> known;
};

class Peer : public DataWriterListener, public DataReaderListener {
 public:
  explicit Peer(const peer_options &parsed) : options(parsed), deadline(peer_now_ms() + parsed.timeout_s * 1000) {}

  void start();
  int run();

  void on_publication_matched(DataWriter *, const PublicationMatchedStatus &status) override { report_match(status.current_count); }
  void on_subscription_matched(DataReader *, const SubscriptionMatchedStatus &status) override { report_match(status.current_count); }
  void on_offered_incompatible_qos(DataWriter *, const OfferedIncompatibleQosStatus &status) override { report_incompatible(status.last_policy_id); }
  void on_requested_incompatible_qos(DataReader *, const RequestedIncompatibleQosStatus &status) override { report_incompatible(status.last_policy_id); }
  void on_data_available(DataReader *) override { wake(); }
  void on_offered_deadline_missed(DataWriter *, const OfferedDeadlineMissedStatus &) override { PEER_EMIT("{\"event\":\"deadline_missed\"}"); }
  void on_requested_deadline_missed(DataReader *, const RequestedDeadlineMissedStatus &) override { PEER_EMIT("{\"event\":\"deadline_missed\"}"); }
  void on_liveliness_lost(DataWriter *, const LivelinessLostStatus &) override { PEER_EMIT("{\"event\":\"liveliness_lost\"}"); }
  void on_liveliness_changed(DataReader *, const LivelinessChangedStatus &status) override {
    PEER_EMIT("{\"event\":\"liveliness_changed\",\"alive\":%d,\"not_alive\":%d}", (int)status.alive_count, (int)status.not_alive_count);
  }

 private:
  void wake() {
    { std::lock_guard<std::mutex> guard(mutex); woken = true; }
    condition.notify_all();
  }
  void report_match(int current) {
    {
      std::lock_guard<std::mutex> guard(mutex);
      if (current != matched) PEER_EMIT("{\"event\":\"%s\",\"count\":%d}", current > matched ? "matched" : "unmatched", current);
      matched = current;
    }
    wake();
  }
  static void report_incompatible(uint32_t policy) { PEER_EMIT("{\"event\":\"incompatible_qos\",\"policy\":\"%s\"}", policy_name(policy)); }
  int matched_now() {
    std::lock_guard<std::mutex> guard(mutex);
    return matched;
  }
  bool expired() const { return peer_now_ms() >= deadline; }

  template <class Qos>
  void common_qos(Qos &qos) const;
  template <class Qos>
  void group_qos(Qos &qos) const;
  void wait_until(int64_t until);
  void take_all();
  void report_end(const SampleInfo &info);
  std::string write_one(long i, long k);
  std::string end_one(long k, bool dispose);
  void write_rounds(long count);
  void end_instances(bool dispose);
  void run_commands();
  void change_data(const char *which, const char *text);
  void set_policy(const char *change);
  void report_done();
  int finish(bool timed_out);

  peer_options options;
  peer_commands commands{};
  int64_t deadline;
  std::mutex mutex;
  std::condition_variable condition;
  bool woken = false;
  int matched = 0;
  long next_sequence = 0, samples = 0, ended = 0;
  bool holds = false;  // Samples stay where they are.
  bool quit = false;
  Discovered discovered;
  DomainParticipant *participant = nullptr;
  Topic *topic = nullptr;
  Publisher *publisher = nullptr;
  Subscriber *subscriber = nullptr;
  DataWriter *writer = nullptr;
  DataReader *reader = nullptr;
  // Fast DDS gives no key with an invalid sample: what each instance handle stands for.
  std::map<InstanceHandle_t, std::string> keys;
};

// Octets of a *_DATA policy.
template <class Data>
static void set_octets(Data &data, const char *text) {
  data.data_vec(std::vector<uint8_t>(text, text + strlen(text)));
}

template <class Qos>
void Peer::group_qos(Qos &qos) const {
  qos.entity_factory().autoenable_created_entities = false;
  if (options.partition != nullptr) qos.partition().push_back(options.partition);
  if (options.group_data != nullptr) set_octets(qos.group_data(), options.group_data);
  if (options.presentation == PEER_PRESENTATION_DEFAULT) return;
  static const PresentationQosPolicyAccessScopeKind scopes[] = {INSTANCE_PRESENTATION_QOS, TOPIC_PRESENTATION_QOS, GROUP_PRESENTATION_QOS};
  qos.presentation().access_scope = scopes[options.presentation - PEER_PRESENTATION_INSTANCE];
  qos.presentation().coherent_access = qos.presentation().ordered_access = true;
}

template <class Qos>
void Peer::common_qos(Qos &qos) const {
  qos.reliability().kind = options.reliable ? RELIABLE_RELIABILITY_QOS : BEST_EFFORT_RELIABILITY_QOS;
  static const decltype(qos.durability().kind) durabilities[] = {VOLATILE_DURABILITY_QOS, TRANSIENT_LOCAL_DURABILITY_QOS, TRANSIENT_DURABILITY_QOS, PERSISTENT_DURABILITY_QOS};
  qos.durability().kind = durabilities[options.durability];
  // What an endpoint's samples are kept under in the store of its participant. They differ between a writer and a reader.
  if (options.durability >= PEER_TRANSIENT) qos.properties().properties().emplace_back("dds.persistence.guid", options.publisher ? "77.72.69.74.65.72.2e.70.65.65.72.2e|2e.2e.00.02" : "72.65.61.64.65.72.2e.70.65.65.72.2e|2e.2e.00.07");
  qos.history().kind = options.history == 0 ? KEEP_ALL_HISTORY_QOS : KEEP_LAST_HISTORY_QOS;
  if (options.history > 0) qos.history().depth = options.history;
  qos.resource_limits().max_samples = (int32_t)options.max_samples;
  qos.resource_limits().max_instances = 0;
  qos.resource_limits().max_samples_per_instance = 0;
  qos.resource_limits().allocated_samples = 16;
  if (options.deadline_ms > 0) qos.deadline().period = milliseconds(options.deadline_ms);
  if (options.latency_budget_ms > 0) qos.latency_budget().duration = milliseconds(options.latency_budget_ms);
  if (options.by_source) qos.destination_order().kind = BY_SOURCE_TIMESTAMP_DESTINATIONORDER_QOS;
  if (options.lifespan_ms > 0) qos.lifespan().duration = milliseconds(options.lifespan_ms);
  if (options.manual_lease_ms > 0) {
    qos.liveliness().kind = MANUAL_BY_TOPIC_LIVELINESS_QOS;
    qos.liveliness().lease_duration = milliseconds(options.manual_lease_ms);
    qos.liveliness().announcement_period = milliseconds(options.manual_lease_ms / 3);
  }
  if (options.exclusive) qos.ownership().kind = EXCLUSIVE_OWNERSHIP_QOS;
  if (options.user_data != nullptr) set_octets(qos.user_data(), options.user_data);
  qos.endpoint().history_memory_policy = dynamic_memory();
  qos.data_sharing().off();
}

// Whoever evaluates a filter needs a description of the type, the writer as well. Other topics go without.
static TypeSupport type_of(const peer_options &options) {
#ifdef FASTDDS_3
  if (options.filter != nullptr && options.type == TYPE_SHAPE) return TypeSupport(new ShapeTypeWithObject());
#else
  if (options.filter != nullptr) registerinteropTypes();
#endif
  return make_type(options.type);
}

void Peer::start() {
  DomainParticipantQos participant_qos = PARTICIPANT_QOS_DEFAULT;
  udp_only(participant_qos);
  if (options.lease_ms > 0) {
    auto &discovery = participant_qos.wire_protocol().builtin.discovery_config;
    discovery.leaseDuration = milliseconds(options.lease_ms);
    discovery.leaseDuration_announcementperiod = milliseconds(options.lease_ms / 3);
  }
  if (options.durability >= PEER_TRANSIENT) {
    // Fast DDS 2.9 makes no such endpoint without a store. This one is for this process alone: what is served later is another's.
    participant_qos.properties().properties().emplace_back("dds.persistence.plugin", "builtin.SQLITE3");
    participant_qos.properties().properties().emplace_back("dds.persistence.sqlite3.filename", "/dev/shm/peer-" + std::to_string(getpid()) + ".db");
  }
  participant = DomainParticipantFactory::get_instance()->create_participant(options.domain, participant_qos, &discovered, StatusMask::none());
  if (participant == nullptr) peer_die(EXIT_INITIALISATION, "create_participant", "failed");
  if (options.discovers) peer_die(EXIT_INITIALISATION, "--type discovered", "Fast DDS learns no types of other stacks");
  TypeSupport type = type_of(options);
  type.register_type(participant);
  TopicQos topic_qos = TOPIC_QOS_DEFAULT;
  if (options.topic_data != nullptr) set_octets(topic_qos.topic_data(), options.topic_data);
  topic = participant->create_topic(options.topic, type.get_type_name(), topic_qos);
  if (topic == nullptr) peer_die(EXIT_INITIALISATION, "create_topic", "failed");
  DataRepresentationId_t representation = options.representation == 2 ? DataRepresentationId_t::XCDR2_DATA_REPRESENTATION : DataRepresentationId_t::XCDR_DATA_REPRESENTATION;
  // Created disabled so that `ready` is printed before the first `matched`.
  if (options.publisher) {
    PublisherQos publisher_qos = PUBLISHER_QOS_DEFAULT;
    group_qos(publisher_qos);
    publisher = participant->create_publisher(publisher_qos);
    DataWriterQos qos = DATAWRITER_QOS_DEFAULT;
    common_qos(qos);
    qos.reliability().max_blocking_time = milliseconds(10000);
    qos.representation().m_value.assign(1, representation);
    qos.durability_service().history_kind = options.history == 0 ? KEEP_ALL_HISTORY_QOS : KEEP_LAST_HISTORY_QOS;
    if (options.history > 0) qos.durability_service().history_depth = options.history;
    qos.ownership_strength().value = (uint32_t)options.ownership_strength;
    qos.writer_data_lifecycle().autodispose_unregistered_instances = false;
    if (options.payload > 60000) qos.publish_mode().kind = ASYNCHRONOUS_PUBLISH_MODE;
    writer = publisher->create_datawriter(topic, qos, this);
    if (writer == nullptr) peer_die(EXIT_INITIALISATION, "create_datawriter", "failed");
  } else {
    SubscriberQos subscriber_qos = SUBSCRIBER_QOS_DEFAULT;
    group_qos(subscriber_qos);
    subscriber = participant->create_subscriber(subscriber_qos);
    DataReaderQos qos = DATAREADER_QOS_DEFAULT;
    common_qos(qos);
    if (options.separation_ms > 0) qos.time_based_filter().minimum_separation = milliseconds(options.separation_ms);
    reader_representation(qos).m_value.assign(1, representation);
    TopicDescription *read = topic;
    if (options.filter != nullptr) read = participant->create_contentfilteredtopic(std::string(options.topic) + "_filtered", topic, options.filter, {});
    if (read == nullptr) peer_die(EXIT_INITIALISATION, "create_contentfilteredtopic", "failed");
    reader = subscriber->create_datareader(read, qos, this);
    if (reader == nullptr) peer_die(EXIT_INITIALISATION, "create_datareader", "failed");
  }
  PEER_EMIT("{\"event\":\"ready\",\"peer\":\"fastdds\",\"version\":\"%s\"}", FASTDDS_VERSION);
  if (options.publisher) writer->enable();
  else reader->enable();
  if (options.use_stdin) peer_start_commands(&commands, [](void *peer) { static_cast<Peer *>(peer)->wake(); }, this);
}

void Peer::wait_until(int64_t until) {
  if (reader != nullptr && !holds) take_all();
  int64_t remaining = std::min(until, deadline) - peer_now_ms();
  std::unique_lock<std::mutex> guard(mutex);
  if (remaining > 0 && !woken) condition.wait_for(guard, std::chrono::milliseconds(remaining), [this] { return woken; });
  woken = false;
  guard.unlock();
  if (reader != nullptr && !holds) take_all();
}

static std::string json_of(const ShapeType &s) {
  char out[1024];
  peer_json_shape(out, sizeof out, s.color().c_str(), s.x(), s.y(), s.shapesize(), s.additional_payload_size().data(), s.additional_payload_size().size());
  return out;
}
static std::string key_of(const ShapeType &s) {
  char out[512];
  peer_json_shape_key(out, sizeof out, s.color().c_str());
  return out;
}
static std::string json_of(const FinalKeyed &s) {
  char out[1024];
  peer_json_final(out, sizeof out, s.id(), s.x(), s.ratio(), s.label().c_str());
  return out;
}
static std::string key_of(const FinalKeyed &s) {
  char out[512];
  peer_json_final_key(out, sizeof out, s.id());
  return out;
}
static std::string json_of(const MixedMembers &s) {
  char out[1024];
  peer_json_mixed(out, sizeof out, s.flag(), s.wide(), s.small(), s.ratio(), s.narrow(), s.count(), s.fraction(), s.text().c_str(), s.numbers().data(), s.numbers().size(), s.triple().data());
  return out;
}
static std::string key_of(const MixedMembers &) { return "{}"; }
static std::string json_of(const std_msgs::msg::dds_::String_ &s) {
  char out[1024];
  peer_json_string(out, sizeof out, s.data().c_str());
  return out;
}
static std::string key_of(const std_msgs::msg::dds_::String_ &) { return "{}"; }

template <class T>
static bool take_one(DataReader *reader, SampleInfo &info, std::string &value, std::string &key) {
  T sample;
  if (!succeeded(reader->take_next_sample(&sample, &info))) return false;
  if (info.valid_data) value = json_of(sample), key = key_of(sample);
  return true;
}

void Peer::take_all() {
  for (;;) {
    SampleInfo info;
    std::string value, key;
    bool some = false;
    switch (options.type) {
      case TYPE_SHAPE: some = take_one<ShapeType>(reader, info, value, key); break;
      case TYPE_FINAL: some = take_one<FinalKeyed>(reader, info, value, key); break;
      case TYPE_MIXED: some = take_one<MixedMembers>(reader, info, value, key); break;
      case TYPE_STRING: some = take_one<std_msgs::msg::dds_::String_>(reader, info, value, key); break;
    }
    if (!some) return;
    if (info.valid_data) {
      keys[info.instance_handle] = key;
      samples++;
    } else {
      auto known = keys.find(info.instance_handle);
      value = known == keys.end() ? "{}" : known->second;
      ended++;
    }
    const char *state = info.instance_state == ALIVE_INSTANCE_STATE ? "ALIVE" : info.instance_state == NOT_ALIVE_DISPOSED_INSTANCE_STATE ? "DISPOSED" : "NO_WRITERS";
    PEER_EMIT("{\"event\":\"sample\",\"value\":%s,\"valid\":%s,\"instance_state\":\"%s\"}", value.c_str(), info.valid_data ? "true" : "false", state);
  }
}

template <class T>
static std::string write_value(DataWriter *writer, T &sample) {
  // A write that waits for room fails at once when the acknowledgement it waits for empties the history: what
  // DataWriterImpl's onWriterChangeReceivedByAll has removed, StatefulWriter::try_remove_change wants to remove once more.
  for (int64_t end = peer_now_ms() + 10000; !written(writer, &sample);)
    if (peer_now_ms() >= end) peer_die(EXIT_RUNNING, "write", "failed");
  return json_of(sample);
}

std::string Peer::write_one(long i, long k) {
  switch (options.type) {
    case TYPE_SHAPE: {
      char color[256];
      peer_color(&options, k, color, sizeof color);
      ShapeType s;
      s.color(color), s.x((int32_t)i), s.y((int32_t)(2 * i + k)), s.shapesize((int32_t)(i + 1));
      s.additional_payload_size().resize((size_t)options.payload);
      for (size_t j = 0; j < (size_t)options.payload; j++) s.additional_payload_size()[j] = peer_payload_byte(i, k, j);
      return write_value(writer, s);
    }
    case TYPE_FINAL: {
      FinalKeyed s;
      s.id((int32_t)k), s.x((int32_t)i), s.ratio((double)i * 0.25 + (double)k), s.label("label-" + std::to_string(i) + "-" + std::to_string(k));
      return write_value(writer, s);
    }
    case TYPE_MIXED: {
      peer_mixed_values v = peer_mixed(i);
      MixedMembers s;
      s.flag(v.flag), s.wide(v.wide), s.small(v.small), s.ratio(v.ratio), s.narrow(v.narrow), s.count(v.count), s.fraction(v.fraction), s.text(v.text);
      s.numbers().assign(v.numbers, v.numbers + v.numbers_length);
      for (size_t j = 0; j < 3; j++) s.triple()[j] = v.triple[j];
      return write_value(writer, s);
    }
    case TYPE_STRING: {
      std_msgs::msg::dds_::String_ s;
      s.data("Hello World: " + std::to_string(i));
      return write_value(writer, s);
    }
  }
  return "";
}

template <class T>
static std::string end_value(DataWriter *writer, T &sample, bool dispose) {
  bool done = dispose ? succeeded(writer->dispose(&sample, HANDLE_NIL)) : succeeded(writer->unregister_instance(&sample, HANDLE_NIL));
  if (!done) peer_die(EXIT_RUNNING, "end of instance", "failed");
  return key_of(sample);
}

std::string Peer::end_one(long k, bool dispose) {
  if (options.type == TYPE_SHAPE) {
    char color[256];
    peer_color(&options, k, color, sizeof color);
    ShapeType s;
    s.color(color);
    return end_value(writer, s, dispose);
  }
  FinalKeyed s;
  s.id((int32_t)k);
  return end_value(writer, s, dispose);
}

void Peer::write_rounds(long count) {
  for (long round = 0; round < count && !quit && !expired(); round++) {
    int64_t next = peer_now_ms() + options.period_ms;
    long i = next_sequence++;
    for (long k = 0; k < options.instances; k++) {
      // Before the line, which has a lock: listeners print while a writer waits for room.
      const std::string value = write_one(i, k);
      PEER_EMIT("{\"event\":\"sent\",\"value\":%s}", value.c_str());
    }
    while (!quit && !expired() && peer_now_ms() < next) wait_until(next), run_commands();
  }
}

void Peer::end_instances(bool dispose) {
  for (long k = 0; k < options.instances; k++) {
    const std::string key = end_one(k, dispose);
    PEER_EMIT("{\"event\":\"ended\",\"value\":%s,\"how\":\"%s\"}", key.c_str(), dispose ? "dispose" : "unregister");
  }
}

void Peer::report_done() {
  if (options.publisher && options.reliable && matched_now() > 0) writer->wait_for_acknowledgments(milliseconds(10000));
  PEER_EMIT("{\"event\":\"done\"}");
}

template <class Entity, class Qos, class Data>
static void change(Entity *entity, Qos qos, Data &(Qos::*data)(), const char *text) {
  set_octets((qos.*data)(), text);
  if (!succeeded(entity->set_qos(qos))) peer_die(EXIT_RUNNING, "set_qos", "failed");
}

void Peer::change_data(const char *which, const char *text) {
  if (strcmp(which, "topic") == 0) change(topic, topic->get_qos(), static_cast<TopicDataQosPolicy &(TopicQos::*)()>(&TopicQos::topic_data), text);
  else if (strcmp(which, "user") == 0) {
    if (writer != nullptr) change(writer, writer->get_qos(), static_cast<UserDataQosPolicy &(DataWriterQos::*)()>(&DataWriterQos::user_data), text);
    else change(reader, reader->get_qos(), static_cast<UserDataQosPolicy &(DataReaderQos::*)()>(&DataReaderQos::user_data), text);
  } else {
    if (publisher != nullptr) change(publisher, publisher->get_qos(), static_cast<GroupDataQosPolicy &(PublisherQos::*)()>(&PublisherQos::group_data), text);
    else change(subscriber, subscriber->get_qos(), static_cast<GroupDataQosPolicy &(SubscriberQos::*)()>(&SubscriberQos::group_data), text);
  }
}

void Peer::set_policy(const char *change) {
  DataWriterQos qos = writer->get_qos();
  if (strncmp(change, "lifespan-ms ", 12) == 0) qos.lifespan().duration = milliseconds(peer_number("lifespan-ms", change + 12));
  else if (strncmp(change, "ownership-strength ", 19) == 0) qos.ownership_strength().value = (uint32_t)peer_number("ownership-strength", change + 19);
  else peer_die(EXIT_ARGUMENTS, "no such policy", change);
  if (!succeeded(writer->set_qos(qos))) peer_die(EXIT_RUNNING, "set_qos", "failed");
}

void Peer::run_commands() {
  char command[32];
  while (options.use_stdin && !quit && peer_pop_command(&commands, command)) {
    if (strcmp(command, "quit") == 0) quit = true;
    else if (strncmp(command, "write ", 6) == 0) write_rounds(peer_number("write", command + 6)), report_done();
    else if (strcmp(command, "dispose") == 0) end_instances(true), report_done();
    else if (strcmp(command, "unregister") == 0) end_instances(false), report_done();
    else if (strcmp(command, "peers") == 0) discovered.report(), report_done();
    else if (strncmp(command, "set ", 4) == 0 && writer != nullptr) set_policy(command + 4), report_done();
    else if (strcmp(command, "hold") == 0) holds = true, report_done();
    else if (strcmp(command, "take") == 0) holds = false, take_all(), report_done();
    else if (strncmp(command, "user-data ", 10) == 0) change_data("user", command + 10), report_done();
    else if (strncmp(command, "topic-data ", 11) == 0) change_data("topic", command + 11), report_done();
    else if (strncmp(command, "group-data ", 11) == 0) change_data("group", command + 11), report_done();
    else peer_die(EXIT_ARGUMENTS, "unknown command", command);
  }
}

int Peer::finish(bool timed_out) {
  if (timed_out) PEER_EMIT("{\"event\":\"timeout\"}");
  if (writer != nullptr) writer->set_listener(nullptr);
  if (reader != nullptr) reader->set_listener(nullptr);
  participant->delete_contained_entities();
  DomainParticipantFactory::get_instance()->delete_participant(participant);
  return timed_out ? EXIT_RUNNING : EXIT_DONE;
}

int Peer::run() {
  auto satisfied = [this] {
    return options.publisher ? matched_now() >= options.wait_matched : samples >= options.expect && ended >= options.expect_ended;
  };
  while (!quit && !expired() && !satisfied()) wait_until(deadline), run_commands();
  if (options.publisher && satisfied() && !quit) {
    write_rounds(options.count);
    if (options.end != END_NONE) end_instances(options.end == END_DISPOSE);
  }
  if (expired()) return finish(true);
  report_done();
  int64_t leave = options.use_stdin ? deadline : peer_now_ms() + options.linger_ms;
  while (!quit && peer_now_ms() < leave) wait_until(leave), run_commands();
  return finish(options.use_stdin && !quit);
}

int main(int argc, char **argv) {
  Peer peer(peer_parse(argc, argv));
  peer.start();
  return peer.run();
}
