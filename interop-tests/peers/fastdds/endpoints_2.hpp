// What endpoints of others announce, as Fast DDS 2.9 tells it; after peer_common.h and types_2.hpp.
#pragma once

#include <cstring>

using Guid = eprosima::fastrtps::rtps::GUID_t;

inline long whole_ms(const eprosima::fastrtps::Duration_t &duration) {
  return duration == eprosima::fastrtps::c_TimeInfinite ? -1 : (long)(duration.to_ns() / 1000000);
}

// Tells what endpoints of others announce, as common policies.
class EndpointListener : public eprosima::fastdds::dds::DomainParticipantListener {
 protected:
  // Null when the endpoint is gone.
  virtual void seen(const Guid &guid, const peer_announced *announced) = 0;

 private:
  void on_subscriber_discovery(eprosima::fastdds::dds::DomainParticipant *, eprosima::fastrtps::rtps::ReaderDiscoveryInfo &&info) override {
    using eprosima::fastrtps::rtps::ReaderDiscoveryInfo;
    if (info.status == ReaderDiscoveryInfo::REMOVED_READER) return seen(info.info.guid(), nullptr);
    peer_announced a = common(info.info.m_qos);
    a.separation_ms = whole_ms(info.info.m_qos.m_timeBasedFilter.minimum_separation);
    seen(info.info.guid(), &a);
  }
  void on_publisher_discovery(eprosima::fastdds::dds::DomainParticipant *, eprosima::fastrtps::rtps::WriterDiscoveryInfo &&info) override {
    using eprosima::fastrtps::rtps::WriterDiscoveryInfo;
    if (info.status == WriterDiscoveryInfo::REMOVED_WRITER) return seen(info.info.guid(), nullptr);
    peer_announced a = common(info.info.m_qos);
    seen(info.info.guid(), &a);
  }
  template <class Qos>
  static peer_announced common(const Qos &qos) {
    peer_announced a;
    memset(&a, 0, sizeof a);
    a.durability = peer_durability_name((int)qos.m_durability.kind), a.presentation = peer_presentation_name((int)qos.m_presentation.access_scope);
    a.coherent = qos.m_presentation.coherent_access, a.ordered = qos.m_presentation.ordered_access;
    a.by_source = qos.m_destinationOrder.kind == eprosima::fastdds::dds::BY_SOURCE_TIMESTAMP_DESTINATIONORDER_QOS;
    a.latency_budget_ms = whole_ms(qos.m_latencyBudget.duration), a.lifespan_ms = whole_ms(qos.m_lifespan.duration);
    peer_set_text(a.user_data, qos.m_userData.data(), qos.m_userData.size());
    peer_set_text(a.topic_data, qos.m_topicData.data(), qos.m_topicData.size());
    peer_set_text(a.group_data, qos.m_groupData.data(), qos.m_groupData.size());
    return a;
  }
};
