/* `shape_main` on Cyclone DDS 0.10 through its C API. The text is this project's own. */
#include "../common/shape_common.h"

#include "dds/dds.h"
#include "interop.h"

#define MAXIMUM_TOPICS 16

static const char *const policy_names[] = {
    " (INVALID)", " (USER_DATA)", " (DURABILITY)", " (PRESENTATION)", " (DEADLINE)", " (LATENCY_BUDGET)", " (OWNERSHIP)",
    " (OWNERSHIP_STRENGTH)", " (LIVELINESS)", " (TIME_BASED_FILTER)", " (PARTITION)", " (RELIABILITY)", " (DESTINATION_ORDER)",
    " (HISTORY)", " (RESOURCE_LIMITS)", " (ENTITY_FACTORY)", " (WRITER_DATA_LIFECYCLE)", " (READER_DATA_LIFECYCLE)",
    " (TOPIC_DATA)", " (GROUP_DATA)", " (TRANSPORT_PRIORITY)", " (LIFESPAN)", " (DURABILITY_SERVICE)", " (PROPERTY)",
    " (TYPE_CONSISTENCY_ENFORCEMENT)", " (DATA_REPRESENTATION)"};

struct program {
  struct shape_options options;
  dds_entity_t participant, group, topics[MAXIMUM_TOPICS], endpoints[MAXIMUM_TOPICS];
  char names[MAXIMUM_TOPICS][256];
};

static dds_entity_t checked(dds_entity_t entity, const char *what) {
  if (entity < 0) {
    shape_say("failed to %s: %s", what, dds_strretcode(entity));
    exit(SHAPE_INITIALISATION);
  }
  return entity;
}

static struct program program;

static void tell(const char *callback, dds_entity_t endpoint, const char *what, int number, const char *detail) {
  char name[256] = "";
  /* While an endpoint is made it cannot be looked up: the first topic's listener may be called before. */
  if (dds_get_name(dds_get_topic(endpoint), name, sizeof name) < 0) snprintf(name, sizeof name, "%s", program.names[0]);
  shape_status(callback, name, what, number, detail);
}

static const char *policy_name(uint32_t id) { return id < sizeof policy_names / sizeof *policy_names ? policy_names[id] : " (UNKNOWN)"; }

static void on_publication_matched(dds_entity_t e, const dds_publication_matched_status_t s, void *a) { (void)a, tell("on_publication_matched", e, "matched readers ", (int)s.current_count, ""); }
static void on_subscription_matched(dds_entity_t e, const dds_subscription_matched_status_t s, void *a) { (void)a, tell("on_subscription_matched", e, "matched writers ", (int)s.current_count, ""); }
static void on_offered_incompatible_qos(dds_entity_t e, const dds_offered_incompatible_qos_status_t s, void *a) { (void)a, tell("on_offered_incompatible_qos", e, "", (int)s.last_policy_id, policy_name(s.last_policy_id)); }
static void on_requested_incompatible_qos(dds_entity_t e, const dds_requested_incompatible_qos_status_t s, void *a) { (void)a, tell("on_requested_incompatible_qos", e, "", (int)s.last_policy_id, policy_name(s.last_policy_id)); }
static void on_offered_deadline_missed(dds_entity_t e, const dds_offered_deadline_missed_status_t s, void *a) { (void)a, tell("on_offered_deadline_missed", e, "total = ", (int)s.total_count, ""); }
static void on_requested_deadline_missed(dds_entity_t e, const dds_requested_deadline_missed_status_t s, void *a) { (void)a, tell("on_requested_deadline_missed", e, "total = ", (int)s.total_count, ""); }
static void on_liveliness_changed(dds_entity_t e, const dds_liveliness_changed_status_t s, void *a) { (void)a, tell("on_liveliness_changed", e, "alive = ", (int)s.alive_count, ""); }
static void on_liveliness_lost(dds_entity_t e, const dds_liveliness_lost_status_t s, void *a) { (void)a, tell("on_liveliness_lost", e, "total = ", (int)s.total_count, ""); }

static dds_listener_t *listener(void) {
  dds_listener_t *l = dds_create_listener(NULL);
  dds_lset_publication_matched(l, on_publication_matched);
  dds_lset_subscription_matched(l, on_subscription_matched);
  dds_lset_offered_incompatible_qos(l, on_offered_incompatible_qos);
  dds_lset_requested_incompatible_qos(l, on_requested_incompatible_qos);
  dds_lset_offered_deadline_missed(l, on_offered_deadline_missed);
  dds_lset_requested_deadline_missed(l, on_requested_deadline_missed);
  dds_lset_liveliness_changed(l, on_liveliness_changed);
  dds_lset_liveliness_lost(l, on_liveliness_lost);
  return l;
}

static bool has_color(const void *sample, void *color) { return strcmp(((const ShapeType *)sample)->color, color) == 0; }

static dds_qos_t *group_qos(const struct shape_options *o) {
  dds_qos_t *qos = dds_create_qos();
  if (o->partition != NULL) dds_qset_partition1(qos, o->partition);
  dds_presentation_access_scope_kind_t scope = o->scope == 'g' ? DDS_PRESENTATION_GROUP : o->scope == 't' ? DDS_PRESENTATION_TOPIC : DDS_PRESENTATION_INSTANCE;
  if (o->coherent || o->ordered) dds_qset_presentation(qos, scope, o->coherent, o->ordered);
  return qos;
}

static dds_qos_t *endpoint_qos(const struct shape_options *o) {
  static const dds_durability_kind_t kinds[] = {DDS_DURABILITY_VOLATILE, DDS_DURABILITY_TRANSIENT_LOCAL, DDS_DURABILITY_TRANSIENT, DDS_DURABILITY_PERSISTENT};
  dds_qos_t *qos = dds_create_qos();
  dds_history_kind_t history = o->history == 0 ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST;
  int depth = o->history > 0 ? o->history : 1;
  dds_qset_reliability(qos, o->reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT, DDS_SECS(10));
  static const char letters[] = "vltp";
  dds_qset_durability(qos, kinds[strchr(letters, o->durability) - letters]);
  dds_qset_history(qos, history, depth);
  if (o->durability != 'v') dds_qset_durability_service(qos, 0, history, depth, -1, -1, -1);
  dds_data_representation_id_t representation = o->representation == 2 ? DDS_DATA_REPRESENTATION_XCDR2 : DDS_DATA_REPRESENTATION_XCDR1;
  dds_qset_data_representation(qos, 1, &representation);
  if (o->strength >= 0) dds_qset_ownership(qos, DDS_OWNERSHIP_EXCLUSIVE);
  if (o->strength > 0 && o->publisher) dds_qset_ownership_strength(qos, o->strength);
  if (o->deadline_ms > 0) dds_qset_deadline(qos, DDS_MSECS(o->deadline_ms));
  if (o->lifespan_ms > 0 && o->publisher) dds_qset_lifespan(qos, DDS_MSECS(o->lifespan_ms));
  if (o->time_filter_ms > 0 && o->subscriber) dds_qset_time_based_filter(qos, DDS_MSECS(o->time_filter_ms));
  /* With autodispose the instances are disposed of when the writer is deleted. */
  dds_qset_writer_data_lifecycle(qos, false);
  return qos;
}

static void start(struct program *p) {
  const struct shape_options *o = &p->options;
  if (o->filter != NULL) shape_die(SHAPE_INITIALISATION, "a content filter in SQL is not supported");
  if (o->coherent_count > 0) shape_die(SHAPE_INITIALISATION, "coherent access is not supported");
  if (o->topics > MAXIMUM_TOPICS) shape_die(SHAPE_ARGUMENTS, "too many topics");
  /* An appendable type has XCDR2 as its least version here: a writer or reader of XCDR1 is refused. */
  if (o->representation == 1) shape_die(SHAPE_INITIALISATION, "XCDR1 is not supported for an appendable type");
  char configuration[256] = "";
  if (o->announcement_ms > 0) snprintf(configuration, sizeof configuration, "<Discovery><SPDPInterval>%ld ms</SPDPInterval></Discovery>", o->announcement_ms);
  if (o->fragment_size > 0) snprintf(configuration, sizeof configuration, "<General><FragmentSize>%d B</FragmentSize></General>", o->fragment_size);
  checked(dds_create_domain((dds_domainid_t)o->domain, configuration), "create domain");
  dds_listener_t *printer = listener();
  p->participant = checked(dds_create_participant((dds_domainid_t)o->domain, NULL, printer), "create participant");
  for (int i = 0; i < o->topics; i++) {
    shape_numbered(p->names[i], sizeof p->names[i], o->topic, i);
    shape_say("Create topic: %s", p->names[i]);
    p->topics[i] = checked(dds_create_topic(p->participant, &ShapeType_desc, p->names[i], NULL, NULL), "create topic");
  }
  dds_qos_t *group = group_qos(o), *qos = endpoint_qos(o);
  p->group = checked(o->publisher ? dds_create_publisher(p->participant, group, NULL) : dds_create_subscriber(p->participant, group, NULL), "create publisher or subscriber");
  for (int i = 0; i < o->topics; i++) {
    if (o->publisher) {
      shape_say("Create writer for topic: %s color: %s", p->names[i], o->color);
      p->endpoints[i] = checked(dds_create_writer(p->group, p->topics[i], qos, NULL), "create writer");
      continue;
    }
    if (o->color != NULL) {
      struct dds_topic_filter filter = {.mode = DDS_TOPIC_FILTER_SAMPLE_ARG, .f = {.sample_arg = has_color}, .arg = (void *)o->color};
      if (dds_set_topic_filter_extended(p->topics[i], &filter) != DDS_RETCODE_OK) shape_die(SHAPE_INITIALISATION, "failed to create content filtered topic");
      strncat(p->names[i], "_filtered", sizeof p->names[i] - strlen(p->names[i]) - 1);
    }
    shape_say("Create reader for topic: %s", p->names[i]);
    p->endpoints[i] = checked(dds_create_reader(p->group, p->topics[i], qos, NULL), "create reader");
  }
  dds_delete_qos(group);
  dds_delete_qos(qos);
}

static bool more(const struct shape_options *o, long i) { return !shape_interrupted && (o->iterations == 0 || i < o->iterations); }

static void publish(struct program *p) {
  const struct shape_options *o = &p->options;
  struct shape_motion motion = shape_motion_new();
  int size = o->size;
  ShapeType shape;
  memset(&shape, 0, sizeof shape);
  uint8_t *payload = malloc(o->payload + 1);
  memset(payload, 255, o->payload + 1);
  shape.additional_payload_size._buffer = payload;
  shape.additional_payload_size._length = shape.additional_payload_size._maximum = (uint32_t)o->payload;
  for (long i = 0; more(o, i); i++) {
    shape_advance(o, &motion, &size);
    shape.x = motion.x, shape.y = motion.y, shape.shapesize = size;
    for (int t = 0; t < o->topics; t++) {
      for (int k = 0; k < o->instances; k++) {
        shape_numbered(shape.color, sizeof shape.color, o->color, k);
        if (dds_write(p->endpoints[t], &shape) != DDS_RETCODE_OK) continue;
        if (o->print_written) shape_print(p->names[t], shape.color, shape.x, shape.y, size, payload, o->payload);
      }
    }
    shape_sleep(o->write_ms);
  }
  for (int t = 0; t < o->topics; t++) {
    for (int k = 0; o->final_state != 0 && k < o->instances; k++) {
      shape_numbered(shape.color, sizeof shape.color, o->color, k);
      if (o->final_state == 'u') dds_unregister_instance(p->endpoints[t], &shape);
      else dds_dispose(p->endpoints[t], &shape);
    }
    dds_wait_for_acks(p->endpoints[t], DDS_SECS(1));
  }
  free(payload);
}

static void look(struct program *p, int t) {
  void *samples[64] = {NULL};
  dds_sample_info_t infos[64];
  dds_return_t n;
  do {
    n = p->options.read ? dds_read(p->endpoints[t], samples, infos, 64, 64) : dds_take(p->endpoints[t], samples, infos, 64, 64);
    for (int i = 0; i < n; i++) {
      const ShapeType *s = samples[i];
      if (infos[i].valid_data) shape_print(p->names[t], s->color, s->x, s->y, s->shapesize, s->additional_payload_size._buffer, s->additional_payload_size._length);
      /* The end of an instance comes with its last sample, if that has not been taken yet, and with an invalid one
       * of its own otherwise. */
      bool last = i + 1 == n || infos[i + 1].instance_handle != infos[i].instance_handle;
      if (last && infos[i].instance_state != DDS_IST_ALIVE) shape_print_end(p->names[t], s->color, infos[i].instance_state == DDS_IST_NOT_ALIVE_DISPOSED);
    }
    if (n > 0) dds_return_loan(p->endpoints[t], samples, n);
  } while (n == 64 && !p->options.read);
}

static void subscribe(struct program *p) {
  const struct shape_options *o = &p->options;
  for (long i = 0; more(o, i); i++) {
    if (o->ordered) shape_say("Reading with ordered access, iteration %ld", i);
    if (o->coherent) shape_say("Reading coherent sets, iteration %ld", i);
    for (int t = 0; t < o->topics; t++) look(p, t);
    shape_sleep(o->read_ms);
  }
}

int main(int argc, char **argv) {
  program.options = shape_parse(argc, argv);
  start(&program);
  if (program.options.publisher) publish(&program);
  else subscribe(&program);
  dds_set_listener(program.participant, NULL);
  dds_delete(DDS_CYCLONEDDS_HANDLE);
  shape_say("Done.");
  return SHAPE_DONE;
}
