// The ends of a benchmark on Fast DDS 2.9, with the command line and output of `dds-bench`'s own ends:
//
//   bench_fastdds ping|pong|publish|subscribe [--payload BYTES] [--seconds S] [--samples N] [--pace-us US] [--listener]
//                 [--domain ID] [--default-transports]
//
// Without --default-transports it uses UDP alone, without data sharing. Heartbeats leave every 10 ms: with the default
// of 3 s, a writer whose history is full waits for one. Otherwise as bench.c.
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/DataWriterListener.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/DataReaderListener.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

using namespace eprosima::fastdds::dds;
using eprosima::fastrtps::rtps::SerializedPayload_t;

struct Sample {
  uint64_t number = 0;
  std::vector<uint8_t> payload;
};

// {u64; sequence<octet>} in little-endian XCDR1, which needs no generated code.
class SampleType : public TopicDataType {
 public:
  explicit SampleType(uint32_t largest) {
    setName("BenchSample");
    m_typeSize = 4 + 12 + largest + 4;
    m_isGetKeyDefined = false;
  }
  bool serialize(void *data, SerializedPayload_t *out) override {
    auto *sample = static_cast<Sample *>(data);
    const uint8_t head[4] = {0, 1, 0, 0};
    auto length = (uint32_t)sample->payload.size();
    memcpy(out->data, head, 4);
    memcpy(out->data + 4, &sample->number, 8);
    memcpy(out->data + 12, &length, 4);
    memcpy(out->data + 16, sample->payload.data(), length);
    out->encapsulation = CDR_LE;
    out->length = 16 + length;
    return true;
  }
  bool deserialize(SerializedPayload_t *in, void *data) override {
    auto *sample = static_cast<Sample *>(data);
    uint32_t length = 0;
    if (in->length < 16) return false;
    memcpy(&sample->number, in->data + 4, 8);
    memcpy(&length, in->data + 12, 4);
    if (length > in->length - 16) return false;
    sample->payload.assign(in->data + 16, in->data + 16 + length);
    return true;
  }
  std::function<uint32_t()> getSerializedSizeProvider(void *data) override {
    return [data] { return 16 + (uint32_t) static_cast<Sample *>(data)->payload.size(); };
  }
  void *createData() override { return new Sample; }
  void deleteData(void *data) override { delete static_cast<Sample *>(data); }
  bool getKey(void *, eprosima::fastrtps::rtps::InstanceHandle_t *, bool) override { return false; }
};

static int64_t clock_ns(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
static int64_t now() { return clock_ns(CLOCK_MONOTONIC); }

[[noreturn]] static void die(const char *what) {
  fprintf(stderr, "%s failed\n", what);
  exit(1);
}

struct Options {
  std::string role;
  uint32_t payload = 64, domain = 0;
  double seconds = 1;
  uint64_t samples = 0;
  int64_t pace_ns = 0;
  bool listener = false, default_transports = false;
};

class End : public DataWriterListener, public DataReaderListener {
 public:
  explicit End(const Options &given) : options(given) { sample.payload.resize(options.payload); }

  void create();
  void wait_matched();
  void ping();
  void publish();
  void serve();
  void stop() { over = true; }
  void report_received() {
    printf("{\"event\":\"result\",\"samples\":%" PRIu64 ",\"elapsed_ns\":%" PRId64 ",\"lost\":%" PRIu64 ",\"disordered\":%" PRIu64 "}\n",
           received, last_at - first_at, lost, disordered);
  }

  void on_publication_matched(DataWriter *, const PublicationMatchedStatus &status) override { match(writers_of, status.current_count); }
  void on_subscription_matched(DataReader *, const SubscriptionMatchedStatus &status) override { match(readers_of, status.current_count); }
  void on_data_available(DataReader *) override {
    if (options.listener && active) take_all();
  }

 private:
  void match(int &of, int count) {
    std::lock_guard<std::mutex> guard(mutex);
    of = count;
    changed.notify_all();
  }
  void write(Sample &what) {
    if (!writer->write(&what)) die("write");
  }
  void take_all();
  void on_sample();

  Options options;
  DomainParticipant *participant = nullptr;
  DataWriter *writer = nullptr;
  DataReader *reader = nullptr;
  Sample sample, taken;
  std::mutex mutex;
  std::condition_variable changed;
  int writers_of = 0, readers_of = 0;
  std::atomic<bool> over{false}, finished{false}, active{true};
  int64_t created = 0, sent_at = 0, end_at = 0, first_at = 0, last_at = 0;
  uint64_t received = 0, expected = 0, lost = 0, disordered = 0;
  std::vector<uint32_t> trips;
};

void End::create() {
  created = clock_ns(CLOCK_REALTIME);
  DomainParticipantQos qos = PARTICIPANT_QOS_DEFAULT;
  if (!options.default_transports) {
    qos.transport().use_builtin_transports = false;
    qos.transport().user_transports.push_back(std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>());
  }
  participant = DomainParticipantFactory::get_instance()->create_participant(options.domain, qos);
  if (participant == nullptr) die("create_participant");
  TypeSupport type(new SampleType(options.payload));
  type.register_type(participant);
  const bool is_ping = options.role == "ping", is_pong = options.role == "pong";
  auto topic = [&](bool back) { return participant->create_topic(back ? "BenchBack" : "BenchForth", type.get_type_name(), TOPIC_QOS_DEFAULT); };
  // Room for as many bytes as the others may have under way.
  const int32_t most = (int32_t)std::clamp<int64_t>((32 << 20) / (int64_t)options.payload, 32, 5000);
  auto common = [&](auto &endpoint) {
    endpoint.reliability().kind = RELIABLE_RELIABILITY_QOS;
    endpoint.durability().kind = VOLATILE_DURABILITY_QOS;
    endpoint.reliability().max_blocking_time = eprosima::fastrtps::Duration_t(10, 0);
    endpoint.history().kind = KEEP_ALL_HISTORY_QOS;
    endpoint.resource_limits().max_samples = most;
    endpoint.resource_limits().max_instances = 1;
    endpoint.resource_limits().max_samples_per_instance = most;
    endpoint.resource_limits().allocated_samples = std::min<int32_t>(most, 100);
    endpoint.endpoint().history_memory_policy = eprosima::fastrtps::rtps::PREALLOCATED_WITH_REALLOC_MEMORY_MODE;
    if (!options.default_transports) endpoint.data_sharing().off();
  };
  if (options.role != "subscribe") {
    DataWriterQos writer_qos = DATAWRITER_QOS_DEFAULT;
    common(writer_qos);
    writer_qos.reliable_writer_qos().times.heartbeatPeriod = eprosima::fastrtps::Duration_t(0, 10000000);
    if (options.payload > 60000) writer_qos.publish_mode().kind = ASYNCHRONOUS_PUBLISH_MODE;
    writer = participant->create_publisher(PUBLISHER_QOS_DEFAULT)->create_datawriter(topic(is_pong), writer_qos, this);
    if (writer == nullptr) die("create_datawriter");
  }
  if (options.role != "publish") {
    DataReaderQos reader_qos = DATAREADER_QOS_DEFAULT;
    common(reader_qos);
    reader = participant->create_subscriber(SUBSCRIBER_QOS_DEFAULT)->create_datareader(topic(is_ping), reader_qos, this);
    if (reader == nullptr) die("create_datareader");
  }
}

void End::wait_matched() {
  std::unique_lock<std::mutex> guard(mutex);
  changed.wait(guard, [this] { return (writer == nullptr || writers_of > 0) && (reader == nullptr || readers_of > 0); });
  printf("{\"event\":\"matched\",\"created_ns\":%" PRId64 ",\"matched_ns\":%" PRId64 "}\n", created, clock_ns(CLOCK_REALTIME));
}

void End::take_all() {
  SampleInfo info;
  bool any = false;
  while (reader->take_next_sample(&taken, &info) == eprosima::fastrtps::types::ReturnCode_t::RETCODE_OK) {
    if (!info.valid_data) continue;
    on_sample();
    any = true;
  }
  if (any) last_at = now();
}

void End::on_sample() {
  if (options.role == "pong") return write(taken);
  if (options.role == "subscribe") {
    if (received++ == 0) first_at = now();
    if (taken.number > expected) lost += taken.number - expected;
    else if (taken.number < expected) disordered++;
    expected = taken.number + 1;
    return;
  }
  const int64_t at = now();
  if (finished) return;
  trips.push_back((uint32_t)(at - sent_at));
  if (options.samples > 0 ? trips.size() >= options.samples : at >= end_at) {
    std::lock_guard<std::mutex> guard(mutex);
    finished = true;
    changed.notify_all();
    return;
  }
  sent_at = at;
  sample.number++;
  write(sample);
}

void End::serve() {
  while (!over) {
    reader->wait_for_unread_message(eprosima::fastrtps::Duration_t(0, 100000000));
    take_all();
  }
}

void End::ping() {
  trips.reserve(1 << 22);
  sent_at = now();
  end_at = sent_at + (int64_t)(options.seconds * 1e9);
  write(sample);
  {
    std::unique_lock<std::mutex> guard(mutex);
    changed.wait(guard, [this] { return finished.load(); });
  }
  // The first tenth warms up.
  auto first = trips.begin() + (long)(trips.size() / 10);
  std::sort(first, trips.end());
  auto at = [&](size_t percent) { return first[(long)((size_t)(trips.end() - first) * percent / 100)]; };
  printf("{\"event\":\"result\",\"samples\":%zu,\"p50_ns\":%" PRIu32 ",\"p90_ns\":%" PRIu32 ",\"p99_ns\":%" PRIu32 "}\n", trips.size(), at(50), at(90), at(99));
}

void End::publish() {
  const int64_t start = now(), end = start + (int64_t)(options.seconds * 1e9);
  int64_t next = start;
  uint64_t count = 0;
  for (;;) {
    if (options.pace_ns > 0) {
      next += options.pace_ns;
      timespec until = {next / 1000000000, next % 1000000000};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    }
    write(sample);
    sample.number++;
    count++;
    if (options.samples > 0 ? count >= options.samples : (count % 16 == 0 || options.pace_ns > 0 || options.payload > 8192) && now() >= end) break;
  }
  const int64_t elapsed = now() - start;
  const bool acknowledged = writer->wait_for_acknowledgments(eprosima::fastrtps::Duration_t(10, 0)) == eprosima::fastrtps::types::ReturnCode_t::RETCODE_OK;
  printf("{\"event\":\"result\",\"samples\":%" PRIu64 ",\"elapsed_ns\":%" PRId64 ",\"acknowledged\":%s}\n", count, elapsed, acknowledged ? "true" : "false");
}

int main(int argc, char **argv) {
  Options options;
  if (argc > 1) options.role = argv[1];
  for (int i = 2; i < argc; i++) {
    const std::string name = argv[i];
    if (name == "--listener") { options.listener = true; continue; }
    if (name == "--default-transports") { options.default_transports = true; continue; }
    if (i + 1 >= argc) die("the last option lacks its value, parsing");
    const char *value = argv[++i];
    if (name == "--payload") options.payload = (uint32_t)strtoul(value, nullptr, 10);
    else if (name == "--seconds") options.seconds = atof(value);
    else if (name == "--samples") options.samples = strtoull(value, nullptr, 10);
    else if (name == "--pace-us") options.pace_ns = strtoll(value, nullptr, 10) * 1000;
    else if (name == "--domain") options.domain = (uint32_t)strtoul(value, nullptr, 10);
    else die(("option " + name).c_str());
  }
  if (options.role != "ping" && options.role != "pong" && options.role != "publish" && options.role != "subscribe") die("the role");
  setvbuf(stdout, nullptr, _IOLBF, 0);
  // Never destroyed: threads of Fast DDS use it until the process ends.
  End &end = *new End(options);
  end.create();
  end.wait_matched();
  char line[16];
  std::thread server;
  if (!options.listener && options.role != "publish") server = std::thread([&end] { end.serve(); });
  const bool goes = fgets(line, sizeof line, stdin) != nullptr;
  if (goes && options.role == "ping") end.ping();
  if (goes && options.role == "publish") end.publish();
  while (goes && fgets(line, sizeof line, stdin) != nullptr) {}
  end.stop();
  if (server.joinable()) server.join();
  if (options.role == "subscribe") end.report_received();
  fflush(stdout);
  // What is left would only be taken apart.
  _exit(0);
}
