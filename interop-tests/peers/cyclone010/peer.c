/* A peer on Cyclone DDS 0.10 through its C API. The contract is interop-tests/README.md. */
#include "../common/peer_common.h"
#include "dds/dds.h"
#include "dds/version.h"
#include "interop.h"

static const char *const policy_names[] = {
    "INVALID", "USER_DATA", "DURABILITY", "PRESENTATION", "DEADLINE", "LATENCY_BUDGET", "OWNERSHIP", "OWNERSHIP_STRENGTH",
    "LIVELINESS", "TIME_BASED_FILTER", "PARTITION", "RELIABILITY", "DESTINATION_ORDER", "HISTORY", "RESOURCE_LIMITS",
    "ENTITY_FACTORY", "WRITER_DATA_LIFECYCLE", "READER_DATA_LIFECYCLE", "TOPIC_DATA", "GROUP_DATA", "TRANSPORT_PRIORITY",
    "LIFESPAN", "DURABILITY_SERVICE", "PROPERTY", "TYPE_CONSISTENCY_ENFORCEMENT", "DATA_REPRESENTATION"};

struct peer {
  struct peer_options options;
  struct peer_commands commands;
  dds_entity_t domain, participant, topic, group, endpoint, waitset, guard;
  int64_t deadline;
  uint32_t matched;
  long next_sequence, samples, ended;
  bool holds; /* samples stay where they are */
  bool quit;
};

static dds_entity_t checked(dds_entity_t entity, const char *what) {
  if (entity < 0) peer_die(EXIT_INITIALISATION, what, dds_strretcode(entity));
  return entity;
}

static void wake(void *argument) { dds_set_guardcondition(*(dds_entity_t *)argument, true); }

static const dds_topic_descriptor_t *descriptor(enum peer_type type) {
  switch (type) {
    case TYPE_SHAPE: return &ShapeType_desc;
    case TYPE_FINAL: return &FinalKeyed_desc;
    case TYPE_MIXED: return &MixedMembers_desc;
    case TYPE_STRING: return &std_msgs_msg_dds__String__desc;
  }
  return NULL;
}

/* What a writer of the topic says that its samples are, asked of its participant. */
static const dds_topic_descriptor_t *discovered(dds_entity_t participant, const struct peer_options *o) {
  dds_entity_t publications = checked(dds_create_reader(participant, DDS_BUILTIN_TOPIC_DCPSPUBLICATION, NULL, NULL), "create_reader");
  dds_topic_descriptor_t *found = NULL;
  for (int64_t end = peer_now_ms() + 25000; found == NULL && peer_now_ms() < end; dds_sleepfor(DDS_MSECS(50))) {
    void *sample = NULL;
    dds_sample_info_t info;
    while (found == NULL && dds_take(publications, &sample, &info, 1, 1) == 1) {
      dds_builtintopic_endpoint_t *endpoint = sample;
      const dds_typeinfo_t *type = NULL;
      if (info.valid_data && strcmp(endpoint->topic_name, o->topic) == 0 && dds_builtintopic_get_endpoint_type_info(endpoint, &type) == DDS_RETCODE_OK && type != NULL)
        checked(dds_create_topic_descriptor(DDS_FIND_SCOPE_GLOBAL, participant, type, DDS_SECS(10), &found), "create_topic_descriptor");
      dds_return_loan(publications, &sample, 1);
      sample = NULL;
    }
  }
  dds_delete(publications);
  if (found == NULL) peer_die(EXIT_INITIALISATION, "no writer tells the type of", o->topic);
  /* Samples are printed as the structures that idlc makes. */
  if (found->m_size != descriptor(o->type)->m_size) peer_die(EXIT_INITIALISATION, "another type than expected", found->m_typename);
  return found;
}

static dds_qos_t *endpoint_qos(const struct peer_options *o) {
  dds_qos_t *qos = dds_create_qos();
  dds_qset_reliability(qos, o->reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT, DDS_SECS(10));
  dds_qset_durability(qos, (dds_durability_kind_t)o->durability);
  dds_qset_history(qos, o->history == 0 ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST, o->history == 0 ? 1 : o->history);
  if (o->durability != PEER_VOLATILE)
    dds_qset_durability_service(qos, 0, o->history == 0 ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST, o->history == 0 ? 1 : o->history, -1, -1, -1);
  dds_data_representation_id_t representation = o->representation == 2 ? DDS_DATA_REPRESENTATION_XCDR2 : DDS_DATA_REPRESENTATION_XCDR1;
  dds_qset_data_representation(qos, 1, &representation);
  if (o->deadline_ms > 0) dds_qset_deadline(qos, DDS_MSECS(o->deadline_ms));
  if (o->latency_budget_ms > 0) dds_qset_latency_budget(qos, DDS_MSECS(o->latency_budget_ms));
  if (o->lifespan_ms > 0) dds_qset_lifespan(qos, DDS_MSECS(o->lifespan_ms));
  if (o->separation_ms > 0) dds_qset_time_based_filter(qos, DDS_MSECS(o->separation_ms));
  if (o->by_source) dds_qset_destination_order(qos, DDS_DESTINATIONORDER_BY_SOURCE_TIMESTAMP);
  if (o->max_samples > 0) dds_qset_resource_limits(qos, (int32_t)o->max_samples, -1, -1);
  if (o->manual_lease_ms > 0) dds_qset_liveliness(qos, DDS_LIVELINESS_MANUAL_BY_TOPIC, DDS_MSECS(o->manual_lease_ms));
  if (o->exclusive) dds_qset_ownership(qos, DDS_OWNERSHIP_EXCLUSIVE);
  if (o->exclusive && o->publisher) dds_qset_ownership_strength(qos, (int32_t)o->ownership_strength);
  if (o->user_data != NULL) dds_qset_userdata(qos, o->user_data, strlen(o->user_data));
  /* Unregistering must not dispose as well. */
  dds_qset_writer_data_lifecycle(qos, false);
  return qos;
}

static dds_qos_t *group_qos(const struct peer_options *o) {
  dds_qos_t *qos = dds_create_qos();
  if (o->partition != NULL) dds_qset_partition1(qos, o->partition);
  if (o->presentation != PEER_PRESENTATION_DEFAULT) dds_qset_presentation(qos, (dds_presentation_access_scope_kind_t)(o->presentation - 1), true, true);
  if (o->group_data != NULL) dds_qset_groupdata(qos, o->group_data, strlen(o->group_data));
  return qos;
}

static dds_qos_t *topic_qos(const struct peer_options *o) {
  dds_qos_t *qos = dds_create_qos();
  if (o->topic_data != NULL) dds_qset_topicdata(qos, o->topic_data, strlen(o->topic_data));
  return qos;
}

static void start(struct peer *p) {
  struct peer_options *o = &p->options;
  char configuration[512] = "";
  const char *from_environment = getenv("CYCLONEDDS_URI");
  if (o->lease_ms > 0)
    snprintf(configuration, sizeof configuration, "<Discovery><LeaseDuration>%ld ms</LeaseDuration></Discovery>,%s", o->lease_ms, from_environment ? from_environment : "");
  else if (from_environment != NULL)
    snprintf(configuration, sizeof configuration, "%s", from_environment);
  p->domain = checked(dds_create_domain(o->domain, configuration), "create_domain");
  p->participant = checked(dds_create_participant(o->domain, NULL, NULL), "create_participant");
  dds_qos_t *of_topic = topic_qos(o), *of_group = group_qos(o), *qos = endpoint_qos(o);
  p->topic = checked(dds_create_topic(p->participant, o->discovers ? discovered(p->participant, o) : descriptor(o->type), o->topic, of_topic, NULL), "create_topic");
  if (o->publisher) {
    p->group = checked(dds_create_publisher(p->participant, of_group, NULL), "create_publisher");
    p->endpoint = checked(dds_create_writer(p->group, p->topic, qos, NULL), "create_writer");
    dds_set_status_mask(p->endpoint, DDS_PUBLICATION_MATCHED_STATUS | DDS_OFFERED_INCOMPATIBLE_QOS_STATUS | DDS_LIVELINESS_LOST_STATUS | DDS_OFFERED_DEADLINE_MISSED_STATUS);
  } else {
    p->group = checked(dds_create_subscriber(p->participant, of_group, NULL), "create_subscriber");
    p->endpoint = checked(dds_create_reader(p->group, p->topic, qos, NULL), "create_reader");
    dds_set_status_mask(p->endpoint, DDS_DATA_AVAILABLE_STATUS | DDS_SUBSCRIPTION_MATCHED_STATUS | DDS_REQUESTED_INCOMPATIBLE_QOS_STATUS | DDS_LIVELINESS_CHANGED_STATUS | DDS_REQUESTED_DEADLINE_MISSED_STATUS | DDS_SAMPLE_REJECTED_STATUS);
  }
  dds_delete_qos(qos), dds_delete_qos(of_group), dds_delete_qos(of_topic);
  p->waitset = checked(dds_create_waitset(p->participant), "create_waitset");
  p->guard = checked(dds_create_guardcondition(p->participant), "create_guardcondition");
  dds_waitset_attach(p->waitset, p->endpoint, 0);
  dds_waitset_attach(p->waitset, p->guard, 0);
  PEER_EMIT("{\"event\":\"ready\",\"peer\":\"cyclonedds-c\",\"version\":\"%s\"}", DDS_VERSION);
  if (o->use_stdin) peer_start_commands(&p->commands, wake, &p->guard);
}

static void report_match(struct peer *p, uint32_t current) {
  if (current != p->matched)
    PEER_EMIT("{\"event\":\"%s\",\"count\":%" PRIu32 "}", current > p->matched ? "matched" : "unmatched", current);
  p->matched = current;
}

static void report_incompatible(uint32_t policy) {
  PEER_EMIT("{\"event\":\"incompatible_qos\",\"policy\":\"%s\"}", policy < sizeof policy_names / sizeof *policy_names ? policy_names[policy] : "UNKNOWN");
}

static void report_sample(struct peer *p, const void *sample, const dds_sample_info_t *info) {
  char value[1024] = "";
  const char *state = info->instance_state == DDS_IST_ALIVE ? "ALIVE" : info->instance_state == DDS_IST_NOT_ALIVE_DISPOSED ? "DISPOSED" : "NO_WRITERS";
  switch (p->options.type) {
    case TYPE_SHAPE: {
      const ShapeType *s = sample;
      if (info->valid_data) peer_json_shape(value, sizeof value, s->color, s->x, s->y, s->shapesize, s->additional_payload_size._buffer, s->additional_payload_size._length);
      else peer_json_shape_key(value, sizeof value, s->color);
      break;
    }
    case TYPE_FINAL: {
      const FinalKeyed *s = sample;
      if (info->valid_data) peer_json_final(value, sizeof value, s->id, s->x, s->ratio, s->label);
      else peer_json_final_key(value, sizeof value, s->id);
      break;
    }
    case TYPE_MIXED: {
      const MixedMembers *s = sample;
      if (info->valid_data) peer_json_mixed(value, sizeof value, s->flag, s->wide, s->small, s->ratio, s->narrow, s->count, s->fraction, s->text, s->numbers._buffer, s->numbers._length, s->triple);
      else snprintf(value, sizeof value, "{}");
      break;
    }
    case TYPE_STRING:
      if (info->valid_data) peer_json_string(value, sizeof value, ((const std_msgs_msg_dds__String_ *)sample)->data);
      else snprintf(value, sizeof value, "{}");
      break;
  }
  PEER_EMIT("{\"event\":\"sample\",\"value\":%s,\"valid\":%s,\"instance_state\":\"%s\"}", value, info->valid_data ? "true" : "false", state);
  if (info->valid_data) p->samples++;
  else p->ended++;
}

static void take_all(struct peer *p) {
  void *samples[32] = {NULL};
  dds_sample_info_t infos[32];
  dds_return_t n;
  while ((n = dds_take(p->endpoint, samples, infos, 32, 32)) > 0) {
    for (int i = 0; i < n; i++) report_sample(p, samples[i], &infos[i]);
    dds_return_loan(p->endpoint, samples, n);
  }
}

static void handle_statuses(struct peer *p) {
  uint32_t changes = 0;
  dds_get_status_changes(p->endpoint, &changes);
  if (changes & DDS_PUBLICATION_MATCHED_STATUS) {
    dds_publication_matched_status_t status;
    dds_get_publication_matched_status(p->endpoint, &status);
    report_match(p, status.current_count);
  }
  if (changes & DDS_SUBSCRIPTION_MATCHED_STATUS) {
    dds_subscription_matched_status_t status;
    dds_get_subscription_matched_status(p->endpoint, &status);
    report_match(p, status.current_count);
  }
  if (changes & DDS_OFFERED_INCOMPATIBLE_QOS_STATUS) {
    dds_offered_incompatible_qos_status_t status;
    dds_get_offered_incompatible_qos_status(p->endpoint, &status);
    report_incompatible(status.last_policy_id);
  }
  if (changes & DDS_REQUESTED_INCOMPATIBLE_QOS_STATUS) {
    dds_requested_incompatible_qos_status_t status;
    dds_get_requested_incompatible_qos_status(p->endpoint, &status);
    report_incompatible(status.last_policy_id);
  }
  if (changes & DDS_LIVELINESS_CHANGED_STATUS) {
    dds_liveliness_changed_status_t status;
    dds_get_liveliness_changed_status(p->endpoint, &status);
    PEER_EMIT("{\"event\":\"liveliness_changed\",\"alive\":%" PRIu32 ",\"not_alive\":%" PRIu32 "}", status.alive_count, status.not_alive_count);
  }
  if (changes & DDS_LIVELINESS_LOST_STATUS) {
    dds_liveliness_lost_status_t status;
    dds_get_liveliness_lost_status(p->endpoint, &status);
    PEER_EMIT("{\"event\":\"liveliness_lost\"}");
  }
  if (changes & (DDS_OFFERED_DEADLINE_MISSED_STATUS | DDS_REQUESTED_DEADLINE_MISSED_STATUS)) {
    dds_take_status(p->endpoint, &changes, DDS_OFFERED_DEADLINE_MISSED_STATUS | DDS_REQUESTED_DEADLINE_MISSED_STATUS);
    PEER_EMIT("{\"event\":\"deadline_missed\"}");
  }
  if (!p->options.publisher && !p->holds) take_all(p);
}

/* Handles what is there and waits for more until `until` (monotonic milliseconds). */
static void wait_until(struct peer *p, int64_t until) {
  handle_statuses(p);
  int64_t now = peer_now_ms();
  if (until > p->deadline) until = p->deadline;
  if (until <= now) return;
  dds_attach_t triggered[4];
  dds_waitset_wait(p->waitset, triggered, 4, DDS_MSECS(until - now));
  bool was;
  dds_take_guardcondition(p->guard, &was);
  handle_statuses(p);
}

static bool expired(const struct peer *p) { return peer_now_ms() >= p->deadline; }

static void write_one(struct peer *p, long i, long k) {
  char value[1024] = "";
  dds_return_t result = DDS_RETCODE_ERROR;
  switch (p->options.type) {
    case TYPE_SHAPE: {
      ShapeType s;
      memset(&s, 0, sizeof s);
      peer_color(&p->options, k, s.color, sizeof s.color);
      s.x = (int32_t)i, s.y = (int32_t)(2 * i + k), s.shapesize = (int32_t)(i + 1);
      size_t length = (size_t)p->options.payload;
      s.additional_payload_size._buffer = malloc(length + 1);
      s.additional_payload_size._length = s.additional_payload_size._maximum = (uint32_t)length;
      for (size_t j = 0; j < length; j++) s.additional_payload_size._buffer[j] = peer_payload_byte(i, k, j);
      peer_json_shape(value, sizeof value, s.color, s.x, s.y, s.shapesize, s.additional_payload_size._buffer, length);
      result = dds_write(p->endpoint, &s);
      free(s.additional_payload_size._buffer);
      break;
    }
    case TYPE_FINAL: {
      char label[64];
      snprintf(label, sizeof label, "label-%ld-%ld", i, k);
      FinalKeyed s = {(int32_t)k, (int32_t)i, (double)i * 0.25 + (double)k, label};
      peer_json_final(value, sizeof value, s.id, s.x, s.ratio, s.label);
      result = dds_write(p->endpoint, &s);
      break;
    }
    case TYPE_MIXED: {
      struct peer_mixed_values v = peer_mixed(i);
      MixedMembers s = {.flag = v.flag, .wide = v.wide, .small = v.small, .ratio = v.ratio, .narrow = v.narrow, .count = v.count, .fraction = v.fraction, .text = v.text,
                        .numbers = {._maximum = 8, ._length = (uint32_t)v.numbers_length, ._buffer = v.numbers, ._release = false}};
      memcpy(s.triple, v.triple, sizeof s.triple);
      peer_json_mixed(value, sizeof value, s.flag, s.wide, s.small, s.ratio, s.narrow, s.count, s.fraction, s.text, v.numbers, v.numbers_length, s.triple);
      result = dds_write(p->endpoint, &s);
      break;
    }
    case TYPE_STRING: {
      char data[64];
      snprintf(data, sizeof data, "Hello World: %ld", i);
      std_msgs_msg_dds__String_ s = {data};
      peer_json_string(value, sizeof value, data);
      result = dds_write(p->endpoint, &s);
      break;
    }
  }
  if (result != DDS_RETCODE_OK) peer_die(EXIT_RUNNING, "write", dds_strretcode(result));
  PEER_EMIT("{\"event\":\"sent\",\"value\":%s}", value);
}

static void end_instances(struct peer *p, enum peer_end end) {
  for (long k = 0; k < p->options.instances; k++) {
    char key[512] = "{}";
    dds_return_t result = DDS_RETCODE_UNSUPPORTED;
    if (p->options.type == TYPE_SHAPE) {
      ShapeType s;
      memset(&s, 0, sizeof s);
      peer_color(&p->options, k, s.color, sizeof s.color);
      peer_json_shape_key(key, sizeof key, s.color);
      result = end == END_DISPOSE ? dds_dispose(p->endpoint, &s) : dds_unregister_instance(p->endpoint, &s);
    } else if (p->options.type == TYPE_FINAL) {
      FinalKeyed s = {.id = (int32_t)k, .label = ""};
      peer_json_final_key(key, sizeof key, s.id);
      result = end == END_DISPOSE ? dds_dispose(p->endpoint, &s) : dds_unregister_instance(p->endpoint, &s);
    }
    if (result != DDS_RETCODE_OK) peer_die(EXIT_RUNNING, "end of instance", dds_strretcode(result));
    PEER_EMIT("{\"event\":\"ended\",\"value\":%s,\"how\":\"%s\"}", key, end == END_DISPOSE ? "dispose" : "unregister");
  }
}

static long whole_ms(dds_duration_t duration) { return duration == DDS_INFINITY ? -1 : (long)(duration / 1000000); }

static void report_peer(const dds_qos_t *qos) {
  struct peer_announced a;
  memset(&a, 0, sizeof a);
  dds_durability_kind_t durability = DDS_DURABILITY_VOLATILE;
  dds_presentation_access_scope_kind_t scope = DDS_PRESENTATION_INSTANCE;
  dds_destination_order_kind_t order = DDS_DESTINATIONORDER_BY_RECEPTION_TIMESTAMP;
  dds_duration_t budget = 0, lifespan = DDS_INFINITY, separation = 0;
  dds_qget_durability(qos, &durability);
  dds_qget_presentation(qos, &scope, &a.coherent, &a.ordered);
  dds_qget_destination_order(qos, &order);
  dds_qget_latency_budget(qos, &budget);
  dds_qget_lifespan(qos, &lifespan);
  dds_qget_time_based_filter(qos, &separation);
  a.durability = peer_durability_name((int)durability), a.presentation = peer_presentation_name((int)scope);
  a.by_source = order == DDS_DESTINATIONORDER_BY_SOURCE_TIMESTAMP;
  a.latency_budget_ms = whole_ms(budget), a.lifespan_ms = whole_ms(lifespan), a.separation_ms = whole_ms(separation);
  void *octets = NULL;
  size_t length = 0;
  if (dds_qget_userdata(qos, &octets, &length)) peer_set_text(a.user_data, octets, length), dds_free(octets), octets = NULL;
  if (dds_qget_topicdata(qos, &octets, &length)) peer_set_text(a.topic_data, octets, length), dds_free(octets), octets = NULL;
  if (dds_qget_groupdata(qos, &octets, &length)) peer_set_text(a.group_data, octets, length), dds_free(octets);
  char line[1024];
  peer_json_announced(line, sizeof line, &a);
  PEER_EMIT("%s", line);
}

static void report_peers(struct peer *p) {
  dds_instance_handle_t handles[16];
  bool publisher = p->options.publisher;
  dds_return_t n = publisher ? dds_get_matched_subscriptions(p->endpoint, handles, 16) : dds_get_matched_publications(p->endpoint, handles, 16);
  for (int i = 0; i < n && i < 16; i++) {
    dds_builtintopic_endpoint_t *data = publisher ? dds_get_matched_subscription_data(p->endpoint, handles[i]) : dds_get_matched_publication_data(p->endpoint, handles[i]);
    if (data == NULL) continue;
    report_peer(data->qos);
    dds_builtintopic_free_endpoint(data);
  }
}

static void apply(dds_entity_t entity, dds_qos_t *qos) {
  dds_return_t result = dds_set_qos(entity, qos);
  dds_delete_qos(qos);
  if (result != DDS_RETCODE_OK) peer_die(EXIT_RUNNING, "set_qos", dds_strretcode(result));
}

static void set_policy(struct peer *p, const char *change) {
  dds_qos_t *qos = dds_create_qos();
  if (strncmp(change, "lifespan-ms ", 12) == 0) dds_qset_lifespan(qos, DDS_MSECS(peer_number("lifespan-ms", change + 12)));
  else if (strncmp(change, "ownership-strength ", 19) == 0) dds_qset_ownership_strength(qos, (int32_t)peer_number("ownership-strength", change + 19));
  else peer_die(EXIT_ARGUMENTS, "no such policy", change);
  apply(p->endpoint, qos);
}

static void change_data(struct peer *p, const char *which, const char *text) {
  dds_qos_t *qos = dds_create_qos();
  dds_entity_t entity = p->endpoint;
  if (strcmp(which, "user") == 0) dds_qset_userdata(qos, text, strlen(text));
  else if (strcmp(which, "topic") == 0) entity = p->topic, dds_qset_topicdata(qos, text, strlen(text));
  else entity = p->group, dds_qset_groupdata(qos, text, strlen(text));
  apply(entity, qos);
}

static void run_commands(struct peer *p);

static void write_rounds(struct peer *p, long count) {
  for (long round = 0; round < count && !p->quit && !expired(p); round++) {
    int64_t next = peer_now_ms() + p->options.period_ms;
    long i = p->next_sequence++;
    for (long k = 0; k < p->options.instances; k++) write_one(p, i, k);
    do {
      wait_until(p, next);
      run_commands(p);
    } while (!p->quit && !expired(p) && peer_now_ms() < next);
  }
}

static void report_done(struct peer *p) {
  /* With a LATENCY_BUDGET the last samples stay in a batch until then. */
  if (p->options.publisher) dds_write_flush(p->endpoint);
  if (p->options.publisher && p->options.reliable && p->matched > 0) dds_wait_for_acks(p->endpoint, DDS_SECS(10));
  PEER_EMIT("{\"event\":\"done\"}");
}

static void run_commands(struct peer *p) {
  char command[32];
  while (!p->quit && peer_pop_command(&p->commands, command)) {
    if (strcmp(command, "quit") == 0) p->quit = true;
    else if (strncmp(command, "write ", 6) == 0) write_rounds(p, peer_number("write", command + 6)), report_done(p);
    else if (strcmp(command, "dispose") == 0) end_instances(p, END_DISPOSE), report_done(p);
    else if (strcmp(command, "unregister") == 0) end_instances(p, END_UNREGISTER), report_done(p);
    else if (strcmp(command, "peers") == 0) report_peers(p), report_done(p);
    else if (strncmp(command, "set ", 4) == 0) set_policy(p, command + 4), report_done(p);
    else if (strcmp(command, "hold") == 0) p->holds = true, report_done(p);
    else if (strcmp(command, "take") == 0) p->holds = false, handle_statuses(p), report_done(p);
    else if (strncmp(command, "user-data ", 10) == 0) change_data(p, "user", command + 10), report_done(p);
    else if (strncmp(command, "topic-data ", 11) == 0) change_data(p, "topic", command + 11), report_done(p);
    else if (strncmp(command, "group-data ", 11) == 0) change_data(p, "group", command + 11), report_done(p);
    else peer_die(EXIT_ARGUMENTS, "unknown command", command);
  }
}

static int finish(struct peer *p, bool timed_out) {
  if (timed_out) PEER_EMIT("{\"event\":\"timeout\"}");
  dds_delete(p->participant);
  /* Until the domain is gone, the farewell may still be in a queue. */
  dds_delete(p->domain);
  return timed_out ? EXIT_RUNNING : EXIT_DONE;
}

static int run(struct peer *p) {
  struct peer_options *o = &p->options;
  if (o->publisher) {
    while (!p->quit && !expired(p) && p->matched < (uint32_t)o->wait_matched) wait_until(p, p->deadline), run_commands(p);
    if (p->matched >= (uint32_t)o->wait_matched && !p->quit) {
      write_rounds(p, o->count);
      if (o->end != END_NONE) end_instances(p, o->end);
    }
  } else {
    while (!p->quit && !expired(p) && (p->samples < o->expect || p->ended < o->expect_ended)) wait_until(p, p->deadline), run_commands(p);
  }
  if (expired(p)) return finish(p, true);
  report_done(p);
  int64_t leave = o->use_stdin ? p->deadline : peer_now_ms() + o->linger_ms;
  while (!p->quit && peer_now_ms() < leave) wait_until(p, leave), run_commands(p);
  return finish(p, o->use_stdin && !p->quit);
}

int main(int argc, char **argv) {
  struct peer p;
  memset(&p, 0, sizeof p);
  p.options = peer_parse(argc, argv);
  p.deadline = peer_now_ms() + p.options.timeout_s * 1000;
  start(&p);
  return run(&p);
}
