// What endpoints of others announce, as Fast DDS 3 tells it; after peer_common.h and types_3.hpp.
#pragma once

#include <cstring>

using Guid = eprosima::fastdds::rtps::GUID_t;

inline long whole_ms(const eprosima::fastdds::dds::Duration_t &duration) {
  return duration == eprosima::fastdds::dds::c_TimeInfinite ? -1 : (long)(duration.to_ns() / 1000000);
}

// Tells what endpoints of others announce, as common policies.
class EndpointListener : public eprosima::fastdds::dds::DomainParticipantListener {
 protected:
  // Null when the endpoint is gone.
  virtual void seen(const Guid &guid, const peer_announced *announced) = 0;

 private:
  void on_data_reader_discovery(eprosima::fastdds::dds::DomainParticipant *, eprosima::fastdds::rtps::ReaderDiscoveryStatus reason,
                                const eprosima::fastdds::dds::SubscriptionBuiltinTopicData &info, bool &) override {
    if (reason == eprosima::fastdds::rtps::ReaderDiscoveryStatus::REMOVED_READER) return seen(info.guid, nullptr);
    peer_announced a = common(info);
    a.separation_ms = whole_ms(info.time_based_filter.minimum_separation);
    seen(info.guid, &a);
  }
  void on_data_writer_discovery(eprosima::fastdds::dds::DomainParticipant *, eprosima::fastdds::rtps::WriterDiscoveryStatus reason,
                                const eprosima::fastdds::dds::PublicationBuiltinTopicData &info, bool &) override {
    if (reason == eprosima::fastdds::rtps::WriterDiscoveryStatus::REMOVED_WRITER) return seen(info.guid, nullptr);
    peer_announced a = common(info);
    seen(info.guid, &a);
  }
  template <class Data>
  static peer_announced common(const Data &data) {
    peer_announced a;
    memset(&a, 0, sizeof a);
    a.durability = peer_durability_name((int)data.durability.kind), a.presentation = peer_presentation_name((int)data.presentation.access_scope);
    a.coherent = data.presentation.coherent_access, a.ordered = data.presentation.ordered_access;
    a.by_source = data.destination_order.kind == eprosima::fastdds::dds::BY_SOURCE_TIMESTAMP_DESTINATIONORDER_QOS;
    a.latency_budget_ms = whole_ms(data.latency_budget.duration), a.lifespan_ms = whole_ms(data.lifespan.duration);
    peer_set_text(a.user_data, data.user_data.data(), data.user_data.size());
    peer_set_text(a.topic_data, data.topic_data.data(), data.topic_data.size());
    peer_set_text(a.group_data, data.group_data.data(), data.group_data.size());
    return a;
  }
};
