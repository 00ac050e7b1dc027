/* What every C and C++ peer shares: the command line, the values of a sample as a function of
 * its sequence number and instance, JSON lines on standard output, and commands on standard input.
 * The contract is interop-tests/README.md. */
#ifndef PEER_COMMON_H
#define PEER_COMMON_H

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_ARGUMENTS = 1, EXIT_INITIALISATION = 2, EXIT_RUNNING = 3 };
enum peer_type { TYPE_SHAPE, TYPE_FINAL, TYPE_MIXED, TYPE_STRING };
enum peer_end { END_NONE, END_DISPOSE, END_UNREGISTER };
enum peer_durability { PEER_VOLATILE, PEER_TRANSIENT_LOCAL, PEER_TRANSIENT, PEER_PERSISTENT };
/* PRESENTATION, coherent and ordered, at a scope; or the default. */
enum peer_presentation { PEER_PRESENTATION_DEFAULT, PEER_PRESENTATION_INSTANCE, PEER_PRESENTATION_TOPIC, PEER_PRESENTATION_GROUP };

struct peer_options {
  bool publisher;
  enum peer_type type;
  bool discovers; /* the type is asked of the topic's writers; `type` says how its values are printed */
  const char *topic;
  const char *color;
  const char *partition;
  const char *filter;
  uint32_t domain;
  bool reliable;
  enum peer_durability durability;
  enum peer_presentation presentation;
  int history; /* 0: keep all */
  int representation;
  long count, period_ms, instances, payload;
  enum peer_end end;
  long deadline_ms, lease_ms, wait_matched, expect, expect_ended, linger_ms, timeout_s;
  /* Policies that are left alone when they are 0 or NULL. */
  long latency_budget_ms, lifespan_ms, separation_ms, max_samples;
  long manual_lease_ms; /* LIVELINESS MANUAL_BY_TOPIC */
  bool by_source;
  bool exclusive; /* OWNERSHIP, a writer's with this strength */
  long ownership_strength;
  const char *user_data, *topic_data, *group_data;
  bool use_stdin;
};

static pthread_mutex_t peer_output_lock = PTHREAD_MUTEX_INITIALIZER;

/* Every line is one JSON object, flushed at once. */
#define PEER_EMIT(...)                                \
  do {                                                \
    pthread_mutex_lock(&peer_output_lock);            \
    printf(__VA_ARGS__);                              \
    putchar('\n');                                    \
    fflush(stdout);                                   \
    pthread_mutex_unlock(&peer_output_lock);          \
  } while (0)

static inline int64_t peer_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void peer_die(int code, const char *message, const char *detail) {
  PEER_EMIT("{\"event\":\"error\",\"message\":\"%s: %s\"}", message, detail);
  exit(code);
}

static inline long peer_number(const char *option, const char *text) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0') peer_die(EXIT_ARGUMENTS, "not a number", option);
  return value;
}

static inline int peer_choice(const char *option, const char *text, const char *const *choices) {
  for (int i = 0; choices[i] != NULL; i++)
    if (strcmp(text, choices[i]) == 0) return i;
  peer_die(EXIT_ARGUMENTS, "unknown value of", option);
  return -1;
}

static inline struct peer_options peer_parse(int argc, char **argv) {
  static const char *const types[] = {"shape", "final", "mixed", "string", NULL};
  static const char *const reliabilities[] = {"best-effort", "reliable", NULL};
  static const char *const durabilities[] = {"volatile", "transient-local", "transient", "persistent", NULL};
  static const char *const presentations[] = {"default", "instance", "topic", "group", NULL};
  static const char *const orders[] = {"reception", "source", NULL};
  static const char *const ends[] = {"none", "dispose", "unregister", NULL};
  static const char *const roles[] = {"sub", "pub", NULL};
  struct peer_options o;
  memset(&o, 0, sizeof o);
  o.topic = "Square", o.color = "BLUE", o.partition = NULL, o.reliable = true;
  o.count = 10, o.period_ms = 10, o.instances = 1, o.wait_matched = 1, o.timeout_s = 30;
  if (argc < 2) peer_die(EXIT_ARGUMENTS, "usage", "peer pub|sub [options]");
  o.publisher = peer_choice("role", argv[1], roles) == 1;
  for (int i = 2; i < argc; i++) {
    const char *name = argv[i];
    if (strcmp(name, "--stdin") == 0) {
      o.use_stdin = true;
      continue;
    }
    if (i + 1 >= argc) peer_die(EXIT_ARGUMENTS, "unknown option or missing value", name);
    const char *value = argv[++i];
    if (strcmp(name, "--type") == 0 && strcmp(value, "discovered") == 0) o.discovers = true;
    else if (strcmp(name, "--type") == 0) o.type = (enum peer_type)peer_choice(name, value, types);
    else if (strcmp(name, "--topic") == 0) o.topic = value;
    else if (strcmp(name, "--color") == 0) o.color = value;
    else if (strcmp(name, "--partition") == 0) o.partition = value;
    else if (strcmp(name, "--filter") == 0) o.filter = value;
    else if (strcmp(name, "--domain") == 0) o.domain = (uint32_t)peer_number(name, value);
    else if (strcmp(name, "--reliability") == 0) o.reliable = peer_choice(name, value, reliabilities) == 1;
    else if (strcmp(name, "--durability") == 0) o.durability = (enum peer_durability)peer_choice(name, value, durabilities);
    else if (strcmp(name, "--presentation") == 0) o.presentation = (enum peer_presentation)peer_choice(name, value, presentations);
    else if (strcmp(name, "--destination-order") == 0) o.by_source = peer_choice(name, value, orders) == 1;
    else if (strcmp(name, "--latency-budget-ms") == 0) o.latency_budget_ms = peer_number(name, value);
    else if (strcmp(name, "--lifespan-ms") == 0) o.lifespan_ms = peer_number(name, value);
    else if (strcmp(name, "--separation-ms") == 0) o.separation_ms = peer_number(name, value);
    else if (strcmp(name, "--max-samples") == 0) o.max_samples = peer_number(name, value);
    else if (strcmp(name, "--manual-lease-ms") == 0) o.manual_lease_ms = peer_number(name, value);
    else if (strcmp(name, "--ownership-strength") == 0) o.exclusive = true, o.ownership_strength = peer_number(name, value);
    else if (strcmp(name, "--user-data") == 0) o.user_data = value;
    else if (strcmp(name, "--topic-data") == 0) o.topic_data = value;
    else if (strcmp(name, "--group-data") == 0) o.group_data = value;
    else if (strcmp(name, "--history") == 0) o.history = strcmp(value, "keep-all") == 0 ? 0 : (int)peer_number(name, value);
    else if (strcmp(name, "--representation") == 0) o.representation = (int)peer_number(name, value);
    else if (strcmp(name, "--count") == 0) o.count = peer_number(name, value);
    else if (strcmp(name, "--period-ms") == 0) o.period_ms = peer_number(name, value);
    else if (strcmp(name, "--instances") == 0) o.instances = peer_number(name, value);
    else if (strcmp(name, "--payload") == 0) o.payload = peer_number(name, value);
    else if (strcmp(name, "--end") == 0) o.end = (enum peer_end)peer_choice(name, value, ends);
    else if (strcmp(name, "--deadline-ms") == 0) o.deadline_ms = peer_number(name, value);
    else if (strcmp(name, "--lease-ms") == 0) o.lease_ms = peer_number(name, value);
    else if (strcmp(name, "--wait-matched") == 0) o.wait_matched = peer_number(name, value);
    else if (strcmp(name, "--expect") == 0) o.expect = peer_number(name, value);
    else if (strcmp(name, "--expect-ended") == 0) o.expect_ended = peer_number(name, value);
    else if (strcmp(name, "--linger-ms") == 0) o.linger_ms = peer_number(name, value);
    else if (strcmp(name, "--timeout-s") == 0) o.timeout_s = peer_number(name, value);
    else peer_die(EXIT_ARGUMENTS, "unknown option", name);
  }
  /* The appendable type goes out in XCDR2 unless told otherwise: not every peer has it in XCDR1. */
  if (o.representation == 0) o.representation = o.type == TYPE_SHAPE ? 2 : 1;
  return o;
}

/* Values: a function of the sequence number i (from 0) and the instance k. */
static inline void peer_color(const struct peer_options *o, long k, char *out, size_t size) {
  if (k == 0) snprintf(out, size, "%s", o->color);
  else snprintf(out, size, "%s%ld", o->color, k);
}

static inline uint8_t peer_payload_byte(long i, long k, size_t j) { return (uint8_t)(j * 31 + (size_t)i * 7 + (size_t)k); }

static inline uint32_t peer_crc32(const uint8_t *bytes, size_t length) {
  static uint32_t table[256];
  if (table[1] == 0)
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t c = n;
      for (int bit = 0; bit < 8; bit++) c = (c & 1) ? 0xedb88320u ^ (c >> 1) : c >> 1;
      table[n] = c;
    }
  uint32_t crc = 0xffffffffu;
  for (size_t j = 0; j < length; j++) crc = table[(crc ^ bytes[j]) & 0xff] ^ (crc >> 8);
  return crc ^ 0xffffffffu;
}

/* The text of a JSON string without its quotes; our values never need more than these escapes. */
static inline const char *peer_escape(const char *text, char *out, size_t size) {
  size_t n = 0;
  for (; *text != '\0' && n + 8 < size; text++) {
    if ((unsigned char)*text < 0x20) {
      n += (size_t)snprintf(out + n, size - n, "\\u%04x", (unsigned)*text);
      continue;
    }
    if (*text == '"' || *text == '\\') out[n++] = '\\';
    out[n++] = *text;
  }
  out[n] = '\0';
  return out;
}

static inline void peer_json_shape(char *out, size_t size, const char *color, int x, int y, int shapesize, const uint8_t *payload, size_t length) {
  char escaped[300];
  snprintf(out, size, "{\"color\":\"%s\",\"x\":%d,\"y\":%d,\"shapesize\":%d,\"payload_len\":%zu,\"payload_crc\":%" PRIu32 "}",
           peer_escape(color, escaped, sizeof escaped), x, y, shapesize, length, peer_crc32(payload, length));
}
static inline void peer_json_shape_key(char *out, size_t size, const char *color) {
  char escaped[300];
  snprintf(out, size, "{\"color\":\"%s\"}", peer_escape(color, escaped, sizeof escaped));
}
static inline void peer_json_final(char *out, size_t size, int id, int x, double ratio, const char *label) {
  char escaped[300];
  snprintf(out, size, "{\"id\":%d,\"x\":%d,\"ratio\":%.17g,\"label\":\"%s\"}", id, x, ratio, peer_escape(label, escaped, sizeof escaped));
}
static inline void peer_json_final_key(char *out, size_t size, int id) { snprintf(out, size, "{\"id\":%d}", id); }
static inline void peer_json_string(char *out, size_t size, const char *data) {
  char escaped[300];
  snprintf(out, size, "{\"data\":\"%s\"}", peer_escape(data, escaped, sizeof escaped));
}
static inline void peer_json_mixed(char *out, size_t size, bool flag, int64_t wide, unsigned small, double ratio, int narrow, uint32_t count,
                                   float fraction, const char *text, const int32_t *numbers, size_t length, const int32_t *triple) {
  char escaped[300], list[300] = "";
  size_t used = 0;
  for (size_t j = 0; j < length && used < sizeof list - 16; j++)
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%d", j == 0 ? "" : ",", numbers[j]);
  snprintf(out, size,
           "{\"flag\":%s,\"wide\":%" PRId64 ",\"small\":%u,\"ratio\":%.17g,\"narrow\":%d,\"count\":%" PRIu32
           ",\"fraction\":%.9g,\"text\":\"%s\",\"numbers\":[%s],\"triple\":[%d,%d,%d]}",
           flag ? "true" : "false", wide, small, ratio, narrow, count, (double)fraction, peer_escape(text, escaped, sizeof escaped), list,
           triple[0], triple[1], triple[2]);
}

struct peer_mixed_values {
  bool flag;
  int64_t wide;
  uint8_t small;
  double ratio;
  int16_t narrow;
  uint32_t count;
  float fraction;
  char text[64];
  int32_t numbers[8];
  size_t numbers_length;
  int32_t triple[3];
};
static inline struct peer_mixed_values peer_mixed(long i) {
  struct peer_mixed_values v;
  v.flag = i % 2 == 1;
  v.wide = -(int64_t)(i + 1) * 4294967299LL;
  v.small = (uint8_t)(i & 0xff);
  v.ratio = (double)i * 0.5 - 1.0;
  v.narrow = (int16_t)(-(i % 30000));
  v.count = 4000000000u + (uint32_t)i;
  v.fraction = (float)i * 0.125f;
  snprintf(v.text, sizeof v.text, "Gr\xc3\xbc\xc3\x9f" "e-%ld", i);
  v.numbers_length = (size_t)(i % 5);
  for (size_t j = 0; j < v.numbers_length; j++) v.numbers[j] = (int32_t)i + (int32_t)j;
  v.triple[0] = (int32_t)i, v.triple[1] = -(int32_t)i, v.triple[2] = (int32_t)((i * i) % 1000);
  return v;
}

/* What a remote endpoint announces; milliseconds, -1 for an infinite duration. */
struct peer_announced {
  const char *durability, *presentation;
  bool coherent, ordered, by_source;
  long latency_budget_ms, lifespan_ms, separation_ms;
  char user_data[64], topic_data[64], group_data[64];
};

static inline void peer_set_text(char out[64], const void *octets, size_t length) {
  if (length > 63) length = 63;
  if (length > 0) memcpy(out, octets, length);
  out[length] = '\0';
}

static inline const char *peer_durability_name(int kind) {
  static const char *const names[] = {"volatile", "transient-local", "transient", "persistent"};
  return kind >= 0 && kind < 4 ? names[kind] : "unknown";
}

static inline const char *peer_presentation_name(int scope) {
  static const char *const names[] = {"instance", "topic", "group"};
  return scope >= 0 && scope < 3 ? names[scope] : "unknown";
}

static inline void peer_json_announced(char *out, size_t size, const struct peer_announced *a) {
  char user[160], topic[160], group[160];
  snprintf(out, size,
           "{\"event\":\"peer\",\"durability\":\"%s\",\"presentation\":\"%s\",\"coherent\":%s,\"ordered\":%s,\"destination_order\":\"%s\","
           "\"latency_budget_ms\":%ld,\"lifespan_ms\":%ld,\"separation_ms\":%ld,\"user_data\":\"%s\",\"topic_data\":\"%s\",\"group_data\":\"%s\"}",
           a->durability, a->presentation, a->coherent ? "true" : "false", a->ordered ? "true" : "false", a->by_source ? "source" : "reception",
           a->latency_budget_ms, a->lifespan_ms, a->separation_ms, peer_escape(a->user_data, user, sizeof user),
           peer_escape(a->topic_data, topic, sizeof topic), peer_escape(a->group_data, group, sizeof group));
}

/* Commands arrive one a line: "write N", "dispose", "unregister", "peers", "user-data TEXT", "topic-data TEXT",
 * "group-data TEXT", "set lifespan-ms N", "set ownership-strength N", "hold", "take", "quit". End of file means quit. */
struct peer_commands {
  pthread_mutex_t lock;
  char lines[64][32];
  unsigned head, tail;
  void (*wake)(void *);
  void *wake_argument;
};

static inline void peer_push_command(struct peer_commands *c, const char *line) {
  pthread_mutex_lock(&c->lock);
  if (c->tail - c->head < 64) snprintf(c->lines[c->tail++ % 64], 32, "%.31s", line);
  pthread_mutex_unlock(&c->lock);
  if (c->wake != NULL) c->wake(c->wake_argument);
}

static inline bool peer_pop_command(struct peer_commands *c, char out[32]) {
  pthread_mutex_lock(&c->lock);
  bool some = c->head != c->tail;
  if (some) memcpy(out, c->lines[c->head++ % 64], 32);
  pthread_mutex_unlock(&c->lock);
  return some;
}

static inline void *peer_stdin_thread(void *argument) {
  struct peer_commands *c = (struct peer_commands *)argument;
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\r\n")] = '\0';
    /* Nothing may be woken after `quit`: what it would wake is being deleted. */
    if (strcmp(line, "quit") == 0) break;
    peer_push_command(c, line);
  }
  peer_push_command(c, "quit");
  return NULL;
}

static inline void peer_start_commands(struct peer_commands *c, void (*wake)(void *), void *argument) {
  pthread_t thread;
  memset(c, 0, sizeof *c);
  pthread_mutex_init(&c->lock, NULL);
  c->wake = wake;
  c->wake_argument = argument;
  pthread_create(&thread, NULL, peer_stdin_thread, c);
  pthread_detach(thread);
}

#endif
