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
  dds_entity_t domain, participant, endpoint, waitset, guard;
  int64_t deadline;
  uint32_t matched;
  long next_sequence, samples, ended;
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

static dds_qos_t *endpoint_qos(const struct peer_options *o) {
  dds_qos_t *qos = dds_create_qos();
  dds_qset_reliability(qos, o->reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT, DDS_SECS(10));
  dds_qset_durability(qos, o->transient_local ? DDS_DURABILITY_TRANSIENT_LOCAL : DDS_DURABILITY_VOLATILE);
  dds_qset_history(qos, o->history == 0 ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST, o->history == 0 ? 1 : o->history);
  if (o->transient_local)
    dds_qset_durability_service(qos, 0, o->history == 0 ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST, o->history == 0 ? 1 : o->history, -1, -1, -1);
  dds_data_representation_id_t representation = o->representation == 2 ? DDS_DATA_REPRESENTATION_XCDR2 : DDS_DATA_REPRESENTATION_XCDR1;
  dds_qset_data_representation(qos, 1, &representation);
  if (o->deadline_ms > 0) dds_qset_deadline(qos, DDS_MSECS(o->deadline_ms));
  if (o->partition != NULL) dds_qset_partition1(qos, o->partition);
  /* Unregistering must not dispose as well. */
  dds_qset_writer_data_lifecycle(qos, false);
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
  dds_entity_t topic = checked(dds_create_topic(p->participant, descriptor(o->type), o->topic, NULL, NULL), "create_topic");
  dds_qos_t *qos = endpoint_qos(o);
  if (o->publisher) {
    p->endpoint = checked(dds_create_writer(p->participant, topic, qos, NULL), "create_writer");
    dds_set_status_mask(p->endpoint, DDS_PUBLICATION_MATCHED_STATUS | DDS_OFFERED_INCOMPATIBLE_QOS_STATUS | DDS_LIVELINESS_LOST_STATUS | DDS_OFFERED_DEADLINE_MISSED_STATUS);
  } else {
    p->endpoint = checked(dds_create_reader(p->participant, topic, qos, NULL), "create_reader");
    dds_set_status_mask(p->endpoint, DDS_DATA_AVAILABLE_STATUS | DDS_SUBSCRIPTION_MATCHED_STATUS | DDS_REQUESTED_INCOMPATIBLE_QOS_STATUS | DDS_LIVELINESS_CHANGED_STATUS | DDS_REQUESTED_DEADLINE_MISSED_STATUS | DDS_SAMPLE_REJECTED_STATUS);
  }
  dds_delete_qos(qos);
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
  if (!p->options.publisher) take_all(p);
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
