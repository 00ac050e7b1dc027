// Fast DDS 3.2: the generator of its own line is not packaged, so the types are written by hand against Fast CDR 2,
// the way its generator writes them; and what differs from Fast DDS 2.9 in the API.
#pragma once

#include <fastcdr/Cdr.h>
#include <fastcdr/CdrSizeCalculator.hpp>
#include <fastdds/config.hpp>
#include <fastdds/dds/core/ReturnCode.hpp>
#include <fastdds/dds/core/Time_t.hpp>
#include <fastdds/dds/domain/DomainParticipantListener.hpp>
#include <fastdds/dds/domain/qos/DomainParticipantQos.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/subscriber/qos/DataReaderQos.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/dds/topic/TypeSupport.hpp>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.hpp>
#include <fastdds/utils/md5.hpp>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#define FASTDDS_VERSION FASTDDS_VERSION_STR

// A member with the accessors that the generator of Fast DDS 2 makes.
#define PEER_MEMBER(type, name)                          \
 private:                                                \
  type m_##name{};                                       \
                                                         \
 public:                                                 \
  void name(const type &value) { m_##name = value; }     \
  const type &name() const { return m_##name; }          \
  type &name() { return m_##name; }

class ShapeType {
  PEER_MEMBER(std::string, color)
  PEER_MEMBER(int32_t, x)
  PEER_MEMBER(int32_t, y)
  PEER_MEMBER(int32_t, shapesize)
  PEER_MEMBER(std::vector<uint8_t>, additional_payload_size)
};

class FinalKeyed {
  PEER_MEMBER(int32_t, id)
  PEER_MEMBER(int32_t, x)
  PEER_MEMBER(double, ratio)
  PEER_MEMBER(std::string, label)
};

class MixedMembers {
  using Triple = std::array<int32_t, 3>;
  PEER_MEMBER(bool, flag)
  PEER_MEMBER(int64_t, wide)
  PEER_MEMBER(uint8_t, small)
  PEER_MEMBER(double, ratio)
  PEER_MEMBER(int16_t, narrow)
  PEER_MEMBER(uint32_t, count)
  PEER_MEMBER(float, fraction)
  PEER_MEMBER(std::string, text)
  PEER_MEMBER(std::vector<int32_t>, numbers)
  PEER_MEMBER(Triple, triple)
};

namespace std_msgs { namespace msg { namespace dds_ {
class String_ {
  PEER_MEMBER(std::string, data)
};
} } }

using eprosima::fastcdr::Cdr;
using eprosima::fastcdr::EncodingAlgorithmFlag;
using eprosima::fastcdr::MemberId;

// Per type: name, extensibility, key, members in order, and an upper bound of the serialised size.
template <class T>
struct Codec;

template <>
struct Codec<ShapeType> {
  static constexpr const char *name = "ShapeType";
  static constexpr bool appendable = true, keyed = true, hashed = true;
  static void write(Cdr &cdr, const ShapeType &s) {
    cdr << MemberId(0) << s.color() << MemberId(1) << s.x() << MemberId(2) << s.y() << MemberId(3) << s.shapesize() << MemberId(4) << s.additional_payload_size();
  }
  static bool read(Cdr &cdr, uint32_t id, ShapeType &s) {
    switch (id) {
      case 0: cdr >> s.color(); return true;
      case 1: cdr >> s.x(); return true;
      case 2: cdr >> s.y(); return true;
      case 3: cdr >> s.shapesize(); return true;
      case 4: cdr >> s.additional_payload_size(); return true;
      default: return false;
    }
  }
  static void write_key(Cdr &cdr, const ShapeType &s) { cdr << s.color(); }
  static size_t bound(const ShapeType &s) { return 64 + s.color().size() + s.additional_payload_size().size(); }
};

template <>
struct Codec<FinalKeyed> {
  static constexpr const char *name = "FinalKeyed";
  static constexpr bool appendable = false, keyed = true, hashed = false;
  static void write(Cdr &cdr, const FinalKeyed &s) { cdr << MemberId(0) << s.id() << MemberId(1) << s.x() << MemberId(2) << s.ratio() << MemberId(3) << s.label(); }
  static bool read(Cdr &cdr, uint32_t id, FinalKeyed &s) {
    switch (id) {
      case 0: cdr >> s.id(); return true;
      case 1: cdr >> s.x(); return true;
      case 2: cdr >> s.ratio(); return true;
      case 3: cdr >> s.label(); return true;
      default: return false;
    }
  }
  static void write_key(Cdr &cdr, const FinalKeyed &s) { cdr << s.id(); }
  static size_t bound(const FinalKeyed &s) { return 64 + s.label().size(); }
};

template <>
struct Codec<MixedMembers> {
  static constexpr const char *name = "MixedMembers";
  static constexpr bool appendable = false, keyed = false, hashed = false;
  static void write(Cdr &cdr, const MixedMembers &s) {
    cdr << MemberId(0) << s.flag() << MemberId(1) << s.wide() << MemberId(2) << s.small() << MemberId(3) << s.ratio() << MemberId(4) << s.narrow()
        << MemberId(5) << s.count() << MemberId(6) << s.fraction() << MemberId(7) << s.text() << MemberId(8) << s.numbers() << MemberId(9) << s.triple();
  }
  static bool read(Cdr &cdr, uint32_t id, MixedMembers &s) {
    switch (id) {
      case 0: cdr >> s.flag(); return true;
      case 1: cdr >> s.wide(); return true;
      case 2: cdr >> s.small(); return true;
      case 3: cdr >> s.ratio(); return true;
      case 4: cdr >> s.narrow(); return true;
      case 5: cdr >> s.count(); return true;
      case 6: cdr >> s.fraction(); return true;
      case 7: cdr >> s.text(); return true;
      case 8: cdr >> s.numbers(); return true;
      case 9: cdr >> s.triple(); return true;
      default: return false;
    }
  }
  static void write_key(Cdr &, const MixedMembers &) {}
  static size_t bound(const MixedMembers &s) { return 128 + s.text().size() + 4 * s.numbers().size(); }
};

template <>
struct Codec<std_msgs::msg::dds_::String_> {
  static constexpr const char *name = "std_msgs::msg::dds_::String_";
  static constexpr bool appendable = false, keyed = false, hashed = false;
  static void write(Cdr &cdr, const std_msgs::msg::dds_::String_ &s) { cdr << MemberId(0) << s.data(); }
  static bool read(Cdr &cdr, uint32_t id, std_msgs::msg::dds_::String_ &s) {
    if (id == 0) cdr >> s.data();
    return id == 0;
  }
  static void write_key(Cdr &, const std_msgs::msg::dds_::String_ &) {}
  static size_t bound(const std_msgs::msg::dds_::String_ &s) { return 32 + s.data().size(); }
};

template <class T>
class PeerType : public eprosima::fastdds::dds::TopicDataType {
  using Payload = eprosima::fastdds::rtps::SerializedPayload_t;
  using Handle = eprosima::fastdds::rtps::InstanceHandle_t;
  using Representation = eprosima::fastdds::dds::DataRepresentationId_t;

 public:
  PeerType() {
    set_name(Codec<T>::name);
    is_compute_key_provided = Codec<T>::keyed;
    // What has no bound is reserved sample by sample.
    max_serialized_type_size = 1024;
  }

  bool serialize(const void *const data, Payload &payload, Representation representation) override {
    bool second = representation == Representation::XCDR2_DATA_REPRESENTATION;
    eprosima::fastcdr::FastBuffer buffer(reinterpret_cast<char *>(payload.data), payload.max_size);
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, second ? eprosima::fastcdr::CdrVersion::XCDRv2 : eprosima::fastcdr::CdrVersion::XCDRv1);
    payload.encapsulation = CDR_LE;
    cdr.set_encoding_flag(flag(second));
    try {
      cdr.serialize_encapsulation();
      Cdr::state state(cdr);
      cdr.begin_serialize_type(state, flag(second));
      Codec<T>::write(cdr, *static_cast<const T *>(data));
      cdr.end_serialize_type(state);
      cdr.set_dds_cdr_options({0, 0});
    } catch (eprosima::fastcdr::exception::Exception &) {
      return false;
    }
    payload.length = static_cast<uint32_t>(cdr.get_serialized_data_length());
    return true;
  }

  bool deserialize(Payload &payload, void *data) override {
    T &sample = *static_cast<T *>(data);
    eprosima::fastcdr::FastBuffer buffer(reinterpret_cast<char *>(payload.data), payload.length);
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN);
    try {
      cdr.read_encapsulation();
      bool second = cdr.get_cdr_version() == eprosima::fastcdr::CdrVersion::XCDRv2;
      cdr.deserialize_type(flag(second), [&sample](Cdr &inner, const MemberId &member) { return Codec<T>::read(inner, member.id, sample); });
    } catch (eprosima::fastcdr::exception::Exception &) {
      return false;
    }
    return true;
  }

  uint32_t calculate_serialized_size(const void *const data, Representation) override { return static_cast<uint32_t>(Codec<T>::bound(*static_cast<const T *>(data))); }
  void *create_data() override { return new T(); }
  void delete_data(void *data) override { delete static_cast<T *>(data); }

  bool compute_key(Payload &payload, Handle &handle, bool force_md5) override {
    T sample;
    return Codec<T>::keyed && deserialize(payload, &sample) && compute_key(static_cast<const void *>(&sample), handle, force_md5);
  }

  bool compute_key(const void *const data, Handle &handle, bool force_md5) override {
    if (!Codec<T>::keyed) return false;
    unsigned char key[256] = {0};
    eprosima::fastcdr::FastBuffer buffer(reinterpret_cast<char *>(key), sizeof key);
    Cdr cdr(buffer, Cdr::BIG_ENDIANNESS, eprosima::fastcdr::CdrVersion::XCDRv2);
    cdr.set_encoding_flag(EncodingAlgorithmFlag::PLAIN_CDR2);
    Codec<T>::write_key(cdr, *static_cast<const T *>(data));
    const unsigned char *value = key;
    eprosima::fastdds::MD5 md5;
    if (force_md5 || Codec<T>::hashed) {
      md5.init();
      md5.update(key, static_cast<unsigned>(cdr.get_serialized_data_length()));
      md5.finalize();
      value = md5.digest;
    }
    for (size_t i = 0; i < 16; i++) handle.value[i] = value[i];
    return true;
  }

 private:
  static EncodingAlgorithmFlag flag(bool second) {
    if (!second) return EncodingAlgorithmFlag::PLAIN_CDR;
    return Codec<T>::appendable ? EncodingAlgorithmFlag::DELIMIT_CDR2 : EncodingAlgorithmFlag::PLAIN_CDR2;
  }
};

inline bool succeeded(eprosima::fastdds::dds::ReturnCode_t code) { return code == eprosima::fastdds::dds::RETCODE_OK; }

inline bool written(eprosima::fastdds::dds::DataWriter *writer, void *sample) { return succeeded(writer->write(sample)); }

inline eprosima::fastdds::dds::Duration_t milliseconds(long ms) {
  return eprosima::fastdds::dds::Duration_t((int32_t)(ms / 1000), (uint32_t)(ms % 1000) * 1000000u);
}

inline eprosima::fastdds::rtps::MemoryManagementPolicy_t dynamic_memory() { return eprosima::fastdds::rtps::PREALLOCATED_WITH_REALLOC_MEMORY_MODE; }

inline void udp_only(eprosima::fastdds::dds::DomainParticipantQos &qos) {
  qos.transport().use_builtin_transports = false;
  qos.transport().user_transports.push_back(std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>());
}

inline eprosima::fastdds::dds::DataRepresentationQosPolicy &reader_representation(eprosima::fastdds::dds::DataReaderQos &qos) {
  return qos.representation();
}

inline eprosima::fastdds::dds::TypeSupport make_type(peer_type type) {
  using eprosima::fastdds::dds::TypeSupport;
  switch (type) {
    case TYPE_SHAPE: return TypeSupport(new PeerType<ShapeType>());
    case TYPE_FINAL: return TypeSupport(new PeerType<FinalKeyed>());
    case TYPE_MIXED: return TypeSupport(new PeerType<MixedMembers>());
    case TYPE_STRING: return TypeSupport(new PeerType<std_msgs::msg::dds_::String_>());
  }
  return TypeSupport();
}
