// `shape_main` on Fast DDS, 2.9 or 3.2 by the types header chosen at build time. The text is this project's own.
#include "../common/shape_common.h"

// The types header of the peers serves them all; a shape is one of theirs.
enum peer_type { TYPE_SHAPE, TYPE_FINAL, TYPE_MIXED, TYPE_STRING };
#ifdef FASTDDS_3
#include "../../fastdds/types_3.hpp"
#include "../../fastdds/types_object_3.hpp"
#else
#include "../../fastdds/types_2.hpp"
#include "interopTypeObject.h"
#endif

#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/domain/DomainParticipantListener.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/ContentFilteredTopic.hpp>

#include <map>
#include <string>
#include <vector>

using namespace eprosima::fastdds::dds;

static std::string topic_of(DataWriter *writer) { return writer->get_topic()->get_name(); }
static std::string topic_of(DataReader *reader) { return reader->get_topicdescription()->get_name(); }

static const char *policy_name(uint32_t id) {
  static const char *const names[] = {
      " (INVALID)", " (USER_DATA)", " (DURABILITY)", " (PRESENTATION)", " (DEADLINE)", " (LATENCY_BUDGET)", " (OWNERSHIP)",
      " (OWNERSHIP_STRENGTH)", " (LIVELINESS)", " (TIME_BASED_FILTER)", " (PARTITION)", " (RELIABILITY)", " (DESTINATION_ORDER)",
      " (HISTORY)", " (RESOURCE_LIMITS)", " (ENTITY_FACTORY)", " (WRITER_DATA_LIFECYCLE)", " (READER_DATA_LIFECYCLE)",
      " (TOPIC_DATA)", " (GROUP_DATA)", " (TRANSPORT_PRIORITY)", " (LIFESPAN)", " (DURABILITY_SERVICE)", " (DATA_REPRESENTATION)",
      " (TYPE_CONSISTENCY_ENFORCEMENT)"};
  return id < sizeof names / sizeof *names ? names[id] : " (UNKNOWN)";
}

class StatusPrinter : public DomainParticipantListener {
 public:
  void on_publication_matched(DataWriter *writer, const PublicationMatchedStatus &status) override {
    shape_status("on_publication_matched", topic_of(writer).c_str(), "matched readers ", status.current_count, "");
  }
  void on_offered_incompatible_qos(DataWriter *writer, const OfferedIncompatibleQosStatus &status) override {
    shape_status("on_offered_incompatible_qos", topic_of(writer).c_str(), "", (int)status.last_policy_id, policy_name(status.last_policy_id));
  }
  void on_offered_deadline_missed(DataWriter *writer, const OfferedDeadlineMissedStatus &status) override {
    shape_status("on_offered_deadline_missed", topic_of(writer).c_str(), "total = ", (int)status.total_count, "");
  }
  void on_liveliness_lost(DataWriter *writer, const LivelinessLostStatus &status) override {
    shape_status("on_liveliness_lost", topic_of(writer).c_str(), "total = ", (int)status.total_count, "");
  }
  void on_subscription_matched(DataReader *reader, const SubscriptionMatchedStatus &status) override {
    shape_status("on_subscription_matched", topic_of(reader).c_str(), "matched writers ", status.current_count, "");
  }
  void on_requested_incompatible_qos(DataReader *reader, const RequestedIncompatibleQosStatus &status) override {
    shape_status("on_requested_incompatible_qos", topic_of(reader).c_str(), "", (int)status.last_policy_id, policy_name(status.last_policy_id));
  }
  void on_requested_deadline_missed(DataReader *reader, const RequestedDeadlineMissedStatus &status) override {
    shape_status("on_requested_deadline_missed", topic_of(reader).c_str(), "total = ", (int)status.total_count, "");
  }
  void on_liveliness_changed(DataReader *reader, const LivelinessChangedStatus &status) override {
    shape_status("on_liveliness_changed", topic_of(reader).c_str(), "alive = ", (int)status.alive_count, "");
  }
};

class Program {
 public:
  explicit Program(const shape_options &parsed) : options(parsed) {}
  void start();
  void publish();
  void subscribe();
  void finish();

 private:
  static StatusMask statuses() {
    StatusMask mask = StatusMask::all();
    mask >> StatusMask::data_available() >> StatusMask::data_on_readers();
    return mask;
  }
  template <class Qos>
  void common_qos(Qos &qos) const;
  template <class Qos>
  void group_qos(Qos &qos) const;
  void refuse() const;
  void start_publisher();
  void start_subscriber();
  void look(DataReader *reader);
  void print(DataReader *reader, const ShapeType &shape, const SampleInfo &info);

  shape_options options;
  StatusPrinter printer;
  DomainParticipant *participant = nullptr;
  std::vector<Topic *> topics;
  std::vector<DataWriter *> writers;
  std::vector<DataReader *> readers;
  // Fast DDS gives no key with an invalid sample: what each instance handle stands for.
  std::map<InstanceHandle_t, std::string> keys;
};

// What Fast DDS accepts as a policy and does not do.
void Program::refuse() const {
  if (options.coherent_count > 0) shape_die(SHAPE_INITIALISATION, "coherent access is not supported");
  if (options.time_filter_ms > 0) shape_die(SHAPE_INITIALISATION, "TIME_BASED_FILTER is not supported");
  if (options.durability == 'p') shape_die(SHAPE_INITIALISATION, "PERSISTENT durability is not supported");
  if (options.fragment_size > 0) shape_die(SHAPE_INITIALISATION, "a fragment size is not supported");
#ifndef FASTDDS_3
  if (options.representation == 2) shape_die(SHAPE_INITIALISATION, "XCDR2 is not supported");
#endif
}

template <class Qos>
void Program::common_qos(Qos &qos) const {
  qos.reliability().kind = options.reliable ? RELIABLE_RELIABILITY_QOS : BEST_EFFORT_RELIABILITY_QOS;
  switch (options.durability) {
    case 'v': qos.durability().kind = VOLATILE_DURABILITY_QOS; break;
    case 'l': qos.durability().kind = TRANSIENT_LOCAL_DURABILITY_QOS; break;
    case 't':
      qos.durability().kind = TRANSIENT_DURABILITY_QOS;
      // What its persistence keeps an endpoint's samples under.
      qos.properties().properties().emplace_back("dds.persistence.guid", options.publisher ? "77.72.69.74.65.72.2e.73.68.61.70.65|2e.2e.00.02" : "72.65.61.64.65.72.2e.73.68.61.70.65|2e.2e.00.07");
      break;
    default: qos.durability().kind = PERSISTENT_DURABILITY_QOS; break;
  }
  if (options.history == 0) qos.history().kind = KEEP_ALL_HISTORY_QOS;
  if (options.history > 0) qos.history().kind = KEEP_LAST_HISTORY_QOS, qos.history().depth = options.history;
  qos.resource_limits().max_samples = 0;
  qos.resource_limits().max_instances = 0;
  qos.resource_limits().max_samples_per_instance = 0;
  qos.resource_limits().allocated_samples = 16;
  if (options.deadline_ms > 0) qos.deadline().period = milliseconds(options.deadline_ms);
  qos.ownership().kind = options.strength >= 0 ? EXCLUSIVE_OWNERSHIP_QOS : SHARED_OWNERSHIP_QOS;
  qos.endpoint().history_memory_policy = dynamic_memory();
  qos.data_sharing().off();
}

template <class Qos>
void Program::group_qos(Qos &qos) const {
  if (options.partition != nullptr) qos.partition().push_back(options.partition);
  qos.presentation().access_scope = options.scope == 'g' ? GROUP_PRESENTATION_QOS : options.scope == 't' ? TOPIC_PRESENTATION_QOS : INSTANCE_PRESENTATION_QOS;
  qos.presentation().coherent_access = options.coherent;
  qos.presentation().ordered_access = options.ordered;
}

void Program::start() {
  refuse();
  DomainParticipantQos qos = PARTICIPANT_QOS_DEFAULT;
  udp_only(qos);
  if (options.announcement_ms > 0) qos.wire_protocol().builtin.discovery_config.leaseDuration_announcementperiod = milliseconds(options.announcement_ms);
  if (options.durability == 't') {
    qos.properties().properties().emplace_back("dds.persistence.plugin", "builtin.SQLITE3");
    qos.properties().properties().emplace_back("dds.persistence.sqlite3.filename", "/dev/shm/shape_main.db");
  }
  participant = DomainParticipantFactory::get_instance()->create_participant((uint32_t)options.domain, qos, &printer, statuses());
  if (participant == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create participant");
#ifdef FASTDDS_3
  TypeSupport type(new ShapeTypeWithObject());
#else
  registerinteropTypes();
  TypeSupport type = make_type(TYPE_SHAPE);
  type->auto_fill_type_object(true);
  type->auto_fill_type_information(true);
#endif
  type.register_type(participant);
  for (int i = 0; i < options.topics; i++) {
    char name[256];
    shape_numbered(name, sizeof name, options.topic, i);
    shape_say("Create topic: %s", name);
    topics.push_back(participant->create_topic(name, type.get_type_name(), TOPIC_QOS_DEFAULT));
    if (topics.back() == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create topic");
  }
  if (options.publisher) start_publisher();
  else start_subscriber();
}

static DataRepresentationId_t representation_of(const shape_options &options) {
  return options.representation == 2 ? DataRepresentationId_t::XCDR2_DATA_REPRESENTATION : DataRepresentationId_t::XCDR_DATA_REPRESENTATION;
}

void Program::start_publisher() {
  PublisherQos publisher_qos = PUBLISHER_QOS_DEFAULT;
  group_qos(publisher_qos);
  Publisher *publisher = participant->create_publisher(publisher_qos);
  if (publisher == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create publisher");
  DataWriterQos qos = DATAWRITER_QOS_DEFAULT;
  common_qos(qos);
  if (options.strength > 0) qos.ownership_strength().value = (uint32_t)options.strength;
  if (options.lifespan_ms > 0) qos.lifespan().duration = milliseconds(options.lifespan_ms);
  qos.representation().m_value.assign(1, representation_of(options));
  qos.writer_data_lifecycle().autodispose_unregistered_instances = options.final_state == 'd';
  if (options.payload > 60000) qos.publish_mode().kind = ASYNCHRONOUS_PUBLISH_MODE;
  // Fast DDS 2.9 calls the writer's own listener for a missed deadline, whether there is one or not.
  for (Topic *topic : topics) {
    shape_say("Create writer for topic: %s color: %s", topic->get_name().c_str(), options.color);
    writers.push_back(publisher->create_datawriter(topic, qos, &printer, statuses()));
    if (writers.back() == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create datawriter");
  }
}

void Program::start_subscriber() {
  SubscriberQos subscriber_qos = SUBSCRIBER_QOS_DEFAULT;
  group_qos(subscriber_qos);
  Subscriber *subscriber = participant->create_subscriber(subscriber_qos);
  if (subscriber == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create subscriber");
  DataReaderQos qos = DATAREADER_QOS_DEFAULT;
  common_qos(qos);
  reader_representation(qos).m_value.assign(1, representation_of(options));
  std::string expression = options.filter != nullptr ? options.filter : options.color != nullptr ? std::string("color = '") + options.color + "'" : "";
  for (Topic *topic : topics) {
    TopicDescription *read = topic;
    if (!expression.empty()) {
      read = participant->create_contentfilteredtopic(topic->get_name() + "_filtered", topic, expression, {});
      if (read == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create content filtered topic");
    }
    shape_say("Create reader for topic: %s", read->get_name().c_str());
    readers.push_back(subscriber->create_datareader(read, qos, &printer, statuses()));
    if (readers.back() == nullptr) shape_die(SHAPE_INITIALISATION, "failed to create datareader");
  }
}

void Program::publish() {
  shape_motion motion = shape_motion_new();
  int size = options.size;
  ShapeType shape;
  shape.additional_payload_size().assign(options.payload, 255);
  for (long i = 0; !shape_interrupted && (options.iterations == 0 || i < options.iterations); i++) {
    shape_advance(&options, &motion, &size);
    shape.x(motion.x), shape.y(motion.y), shape.shapesize(size);
    for (DataWriter *writer : writers) {
      for (int k = 0; k < options.instances; k++) {
        char color[256];
        shape_numbered(color, sizeof color, options.color, k);
        shape.color(color);
        if (!written(writer, &shape)) continue;
        if (options.print_written) shape_print(topic_of(writer).c_str(), color, motion.x, motion.y, size, shape.additional_payload_size().data(), options.payload);
      }
    }
    shape_sleep(options.write_ms);
  }
  for (DataWriter *writer : writers) {
    for (int k = 0; options.final_state != 0 && k < options.instances; k++) {
      char color[256];
      shape_numbered(color, sizeof color, options.color, k);
      shape.color(color);
      if (options.final_state == 'u') writer->unregister_instance(&shape, HANDLE_NIL);
      else writer->dispose(&shape, HANDLE_NIL);
    }
    writer->wait_for_acknowledgments(milliseconds(1000));
  }
}

void Program::print(DataReader *reader, const ShapeType &shape, const SampleInfo &info) {
  if (info.valid_data) {
    keys[info.instance_handle] = shape.color();
    const std::vector<uint8_t> &payload = shape.additional_payload_size();
    shape_print(topic_of(reader).c_str(), shape.color().c_str(), shape.x(), shape.y(), shape.shapesize(), payload.data(), payload.size());
  } else if (info.instance_state != ALIVE_INSTANCE_STATE) {
    shape_print_end(topic_of(reader).c_str(), keys[info.instance_handle].c_str(), info.instance_state == NOT_ALIVE_DISPOSED_INSTANCE_STATE);
  }
}

void Program::look(DataReader *reader) {
  if (options.read) {
    LoanableSequence<ShapeType> shapes;
    SampleInfoSeq infos;
    if (succeeded(reader->read(shapes, infos))) {
      for (int i = 0; i < (int)infos.length(); i++) print(reader, shapes[i], infos[i]);
      reader->return_loan(shapes, infos);
    }
    return;
  }
  InstanceHandle_t previous = HANDLE_NIL;
  for (;;) {
    LoanableSequence<ShapeType> shapes;
    SampleInfoSeq infos;
    bool some = options.take_read ? succeeded(reader->take(shapes, infos)) : succeeded(reader->take_next_instance(shapes, infos, LENGTH_UNLIMITED, previous));
    if (!some) return;
    for (int i = 0; i < (int)infos.length(); i++) print(reader, shapes[i], infos[i]);
    if (infos.length() > 0) previous = infos[0].instance_handle;
    reader->return_loan(shapes, infos);
  }
}

void Program::subscribe() {
  for (long i = 0; !shape_interrupted && (options.iterations == 0 || i < options.iterations); i++) {
    if (options.ordered) shape_say("Reading with ordered access, iteration %ld", i);
    if (options.coherent) shape_say("Reading coherent sets, iteration %ld", i);
    for (DataReader *reader : readers) look(reader);
    shape_sleep(options.read_ms);
  }
}

void Program::finish() {
  participant->set_listener(nullptr);
  for (DataWriter *writer : writers) writer->set_listener(nullptr);
  for (DataReader *reader : readers) reader->set_listener(nullptr);
  participant->delete_contained_entities();
  DomainParticipantFactory::get_instance()->delete_participant(participant);
  shape_say("Done.");
}

int main(int argc, char **argv) {
  shape_options options = shape_parse(argc, argv);
  Program program(options);
  program.start();
  if (options.publisher) program.publish();
  else program.subscribe();
  program.finish();
  return SHAPE_DONE;
}
