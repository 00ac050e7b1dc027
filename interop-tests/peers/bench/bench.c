/* The ends of a benchmark on Cyclone DDS, with the command line and output of `dds-bench`'s own ends:
 *
 *   bench ping|pong|publish|subscribe|announce|inside [--payload BYTES] [--seconds S] [--samples N] [--pace-us US]
 *         [--listener] [--domain ID] [--peers N] [--batch]
 *
 * Prints {"event":"matched",…} when its endpoints are matched, waits for a line on standard input, does
 * its work, prints its result and ends at the end of standard input. */
#define _GNU_SOURCE
#include "bench.h"
#include "dds/dds.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TAKEN_AT_ONCE = 256, LONGEST_RUN = 1 << 22 };

struct options {
  const char *role;
  uint32_t payload;
  double seconds;
  uint64_t samples;
  int64_t pace_ns;
  bool listener, batch;
  dds_domainid_t domain;
  uint32_t peers;
};

struct end {
  struct options options;
  dds_entity_t participant, writer, reader, waitset, guard;
  BenchSample sample;
  int64_t created;
  /* ping */
  int64_t sent_at, end_at;
  uint64_t round_trips;
  uint32_t *trips;
  /* subscribe */
  uint64_t received, expected, lost, disordered;
  int64_t first_at, last_at;
  volatile bool finished;
  pthread_mutex_t lock;
  pthread_cond_t changed;
};

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Comparable between processes. */
static int64_t wall(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static dds_entity_t checked(dds_entity_t entity, const char *what) {
  if (entity < 0) {
    fprintf(stderr, "%s: %s\n", what, dds_strretcode(entity));
    exit(1);
  }
  return entity;
}

static void write_sample(struct end *e) { checked(dds_write(e->writer, &e->sample), "write"); }

static void finish(struct end *e) {
  pthread_mutex_lock(&e->lock);
  e->finished = true;
  pthread_cond_signal(&e->changed);
  pthread_mutex_unlock(&e->lock);
}

static bool is_over(const struct end *e, uint64_t done, int64_t at) {
  return e->options.samples > 0 ? done >= e->options.samples : at >= e->end_at;
}

static void on_sample(struct end *e, BenchSample *sample) {
  switch (e->options.role[1]) {
    case 'i': { /* ping */
      int64_t at = now();
      if (e->finished) return;
      if (e->round_trips < LONGEST_RUN) e->trips[e->round_trips++] = (uint32_t)(at - e->sent_at);
      if (is_over(e, e->round_trips, at)) {
        finish(e);
        return;
      }
      if (e->options.pace_ns > 0) {
        struct timespec pause = {e->options.pace_ns / 1000000000, e->options.pace_ns % 1000000000};
        nanosleep(&pause, NULL);
        at = now();
      }
      e->sent_at = at;
      e->sample.sequence_number++;
      write_sample(e);
      break;
    }
    case 'o': /* pong */
      checked(dds_write(e->writer, sample), "write");
      break;
    default: /* subscribe */
      if (e->received == 0) e->first_at = now();
      e->received++;
      if (sample->sequence_number > e->expected) e->lost += sample->sequence_number - e->expected;
      else if (sample->sequence_number < e->expected) e->disordered++;
      e->expected = sample->sequence_number + 1;
  }
}

static void take_all(struct end *e) {
  static void *samples[TAKEN_AT_ONCE];
  static dds_sample_info_t infos[TAKEN_AT_ONCE];
  dds_return_t count;
  while ((count = dds_take(e->reader, samples, infos, TAKEN_AT_ONCE, TAKEN_AT_ONCE)) > 0) {
    bool any = false;
    for (dds_return_t i = 0; i < count; i++) {
      if (!infos[i].valid_data) continue;
      on_sample(e, samples[i]);
      any = true;
    }
    dds_return_loan(e->reader, samples, count);
    if (any && e->options.role[0] == 's') e->last_at = now();
    if (count < TAKEN_AT_ONCE) break;
  }
}

static void on_data(dds_entity_t reader, void *argument) {
  (void)reader;
  take_all(argument);
}

static void *serve(void *argument) {
  struct end *e = argument;
  dds_attach_t triggered[2];
  for (;;) {
    dds_return_t count = dds_waitset_wait(e->waitset, triggered, 2, DDS_INFINITY);
    /* Also when it is to stop: what was acknowledged counts. */
    take_all(e);
    for (dds_return_t i = 0; i < count; i++)
      if (triggered[i] == 1) return NULL;
  }
}

static dds_entity_t topic(struct end *e, const char *name) {
  return checked(dds_create_topic(e->participant, &BenchSample_desc, name, NULL, NULL), "create_topic");
}

static dds_qos_t *create_qos(void) {
  dds_qos_t *qos = dds_create_qos();
  dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
  dds_qset_history(qos, DDS_HISTORY_KEEP_ALL, 0);
  dds_data_representation_id_t representation = DDS_DATA_REPRESENTATION_XCDR1;
  dds_qset_data_representation(qos, 1, &representation);
  dds_qset_writer_data_lifecycle(qos, false);
  return qos;
}

static void create(struct end *e) {
  const char *role = e->options.role;
  bool ping = strcmp(role, "ping") == 0, pong = strcmp(role, "pong") == 0, announce = strcmp(role, "announce") == 0;
  e->created = wall();
  e->participant = checked(dds_create_participant(e->options.domain, NULL, NULL), "create_participant");
  dds_qos_t *qos = create_qos();
  bool writes = ping || pong || announce || strcmp(role, "publish") == 0;
  bool reads = ping || pong || announce || strcmp(role, "subscribe") == 0;
  if (e->options.batch) dds_write_set_batch(true);
  if (writes) e->writer = checked(dds_create_writer(e->participant, topic(e, pong ? "BenchBack" : "BenchForth"), qos, NULL), "create_writer");
  if (reads) {
    dds_listener_t *listener = dds_create_listener(e);
    if (e->options.listener) dds_lset_data_available(listener, on_data);
    e->reader = checked(dds_create_reader(e->participant, topic(e, ping ? "BenchBack" : "BenchForth"), qos, listener), "create_reader");
    dds_delete_listener(listener);
  }
  dds_delete_qos(qos);
}

/* Waits until each endpoint is matched with as many as asked for. `announce` counts its own other end, too. */
static void wait_matched(struct end *e, uint32_t wanted) {
  dds_entity_t waitset = checked(dds_create_waitset(e->participant), "create_waitset");
  if (e->writer) {
    dds_set_status_mask(e->writer, DDS_PUBLICATION_MATCHED_STATUS);
    dds_waitset_attach(waitset, e->writer, 0);
  }
  if (e->reader) {
    dds_set_status_mask(e->reader, DDS_SUBSCRIPTION_MATCHED_STATUS | DDS_DATA_AVAILABLE_STATUS);
    dds_waitset_attach(waitset, e->reader, 0);
  }
  for (;;) {
    dds_publication_matched_status_t publication = {0};
    dds_subscription_matched_status_t subscription = {0};
    if (e->writer) dds_get_publication_matched_status(e->writer, &publication);
    if (e->reader) dds_get_subscription_matched_status(e->reader, &subscription);
    if ((!e->writer || publication.current_count >= wanted) && (!e->reader || subscription.current_count >= wanted)) break;
    dds_waitset_wait(waitset, NULL, 0, DDS_INFINITY);
  }
  int64_t at = wall();
  if (e->reader) {
    dds_waitset_detach(waitset, e->reader);
    dds_set_status_mask(e->reader, DDS_DATA_AVAILABLE_STATUS);
  }
  dds_delete(waitset);
  printf("{\"event\":\"matched\",\"created_ns\":%" PRId64 ",\"matched_ns\":%" PRId64 "}\n", e->created, at);
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* The round trips without the first tenth, which warms up, the shortest first; how many. */
static uint64_t settled(struct end *e, uint32_t **trips) {
  uint64_t skip = e->round_trips / 10, count = e->round_trips - skip;
  *trips = e->trips + skip;
  qsort(*trips, count, sizeof **trips, by_value);
  return count;
}

static void ping(struct end *e) {
  e->trips = calloc(LONGEST_RUN, sizeof *e->trips);
  e->end_at = now() + (int64_t)(e->options.seconds * 1e9);
  pthread_mutex_lock(&e->lock);
  e->sent_at = now();
  pthread_mutex_unlock(&e->lock);
  write_sample(e);
  pthread_mutex_lock(&e->lock);
  while (!e->finished) pthread_cond_wait(&e->changed, &e->lock);
  pthread_mutex_unlock(&e->lock);
  uint32_t *trips;
  uint64_t count = settled(e, &trips);
  printf("{\"event\":\"result\",\"samples\":%" PRIu64 ",\"p50_ns\":%" PRIu32 ",\"p90_ns\":%" PRIu32 ",\"p99_ns\":%" PRIu32 "}\n",
         e->round_trips, trips[count / 2], trips[count * 9 / 10], trips[count * 99 / 100]);
}

static void publish(struct end *e) {
  int64_t start = now(), next = start;
  e->end_at = start + (int64_t)(e->options.seconds * 1e9);
  uint64_t written = 0;
  for (;;) {
    if (e->options.pace_ns > 0) {
      next += e->options.pace_ns;
      struct timespec until = {next / 1000000000, next % 1000000000};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    write_sample(e);
    e->sample.sequence_number++;
    written++;
    if ((e->options.samples > 0 || e->options.pace_ns > 0 || e->options.payload > 8192 || written % 16 == 0) && is_over(e, written, now())) break;
  }
  if (e->options.batch) dds_write_flush(e->writer);
  int64_t end = now();
  dds_return_t acknowledged = dds_wait_for_acks(e->writer, DDS_SECS(10));
  printf("{\"event\":\"result\",\"samples\":%" PRIu64 ",\"elapsed_ns\":%" PRId64 ",\"acknowledged\":%s}\n", written, end - start, acknowledged == 0 ? "true" : "false");
}

/* A writer and a reader in one process. */
struct pair {
  dds_entity_t writer, reader, waitset;
};

static struct pair create_pair(struct end *e, const char *name) {
  dds_qos_t *qos = create_qos();
  dds_entity_t on = topic(e, name);
  struct pair pair;
  pair.reader = checked(dds_create_reader(e->participant, on, qos, NULL), "create_reader");
  pair.writer = checked(dds_create_writer(e->participant, on, qos, NULL), "create_writer");
  dds_set_status_mask(pair.reader, DDS_DATA_AVAILABLE_STATUS);
  pair.waitset = checked(dds_create_waitset(e->participant), "create_waitset");
  dds_waitset_attach(pair.waitset, pair.reader, 0);
  dds_delete_qos(qos);
  return pair;
}

struct echo {
  struct end *end;
  struct pair forth, back;
};

/* How many samples were there; each is written on with `writer`, unless that is 0. */
static uint64_t pass_on(dds_entity_t reader, dds_entity_t writer) {
  void *samples[TAKEN_AT_ONCE] = {NULL};
  dds_sample_info_t infos[TAKEN_AT_ONCE];
  dds_return_t count = dds_take(reader, samples, infos, TAKEN_AT_ONCE, TAKEN_AT_ONCE);
  if (count <= 0) return 0;
  for (dds_return_t i = 0; writer && i < count; i++)
    if (infos[i].valid_data) checked(dds_write(writer, samples[i]), "write");
  dds_return_loan(reader, samples, count);
  return (uint64_t)count;
}

static void *echo(void *argument) {
  struct echo *a = argument;
  while (!a->end->finished) {
    dds_waitset_wait(a->forth.waitset, NULL, 0, DDS_MSECS(100));
    pass_on(a->forth.reader, a->back.writer);
  }
  return NULL;
}

static void inside(struct end *e) {
  e->participant = checked(dds_create_participant(e->options.domain, NULL, NULL), "create_participant");
  int64_t duration = (int64_t)(e->options.seconds * 1e9);
  struct pair pair = create_pair(e, "BenchForth");
  uint64_t written = 0, taken = 0;
  int64_t start = now();
  while (written % 64 != 0 || now() - start < duration) {
    checked(dds_write(pair.writer, &e->sample), "write");
    taken += pass_on(pair.reader, 0);
    written++;
  }
  int64_t elapsed = now() - start;
  if (taken != written) {
    fprintf(stderr, "%" PRIu64 " samples arrived of %" PRIu64 "\n", taken, written);
    exit(1);
  }
  struct echo other = {e, create_pair(e, "HandForth"), create_pair(e, "HandBack")};
  pthread_t thread;
  pthread_create(&thread, NULL, echo, &other);
  e->trips = calloc(LONGEST_RUN, sizeof *e->trips);
  start = now();
  while (now() - start < duration && e->round_trips < LONGEST_RUN) {
    int64_t sent = now();
    checked(dds_write(other.forth.writer, &e->sample), "write");
    do dds_waitset_wait(other.back.waitset, NULL, 0, DDS_SECS(10));
    while (pass_on(other.back.reader, 0) == 0);
    e->trips[e->round_trips++] = (uint32_t)(now() - sent);
  }
  e->finished = true;
  pthread_join(thread, NULL);
  uint32_t *trips;
  uint64_t count = settled(e, &trips);
  printf("{\"event\":\"result\",\"samples\":%" PRIu64 ",\"elapsed_ns\":%" PRId64 ",\"p50_ns\":%" PRIu32 "}\n",
         taken, elapsed, trips[count / 2]);
  dds_delete(e->participant);
}

static struct options parse(int argc, char **argv) {
  struct options o = {.role = argc > 1 ? argv[1] : "", .payload = 64, .seconds = 1, .peers = 1};
  for (int i = 2; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--listener") == 0) { o.listener = true; continue; }
    if (strcmp(argv[i], "--batch") == 0) { o.batch = true; continue; }
    if (strcmp(argv[i], "--payload") == 0) o.payload = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(argv[i], "--seconds") == 0) o.seconds = atof(value);
    else if (strcmp(argv[i], "--samples") == 0) o.samples = strtoull(value, NULL, 10);
    else if (strcmp(argv[i], "--pace-us") == 0) o.pace_ns = strtoll(value, NULL, 10) * 1000;
    else if (strcmp(argv[i], "--domain") == 0) o.domain = (dds_domainid_t)strtoul(value, NULL, 10);
    else if (strcmp(argv[i], "--peers") == 0) o.peers = (uint32_t)strtoul(value, NULL, 10);
    else { fprintf(stderr, "unknown option %s\n", argv[i]); exit(2); }
    i++;
  }
  return o;
}

int main(int argc, char **argv) {
  static struct end e;
  e.options = parse(argc, argv);
  pthread_mutex_init(&e.lock, NULL);
  pthread_cond_init(&e.changed, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  e.sample.payload._buffer = calloc(1, e.options.payload);
  e.sample.payload._length = e.sample.payload._maximum = e.options.payload;
  if (strcmp(e.options.role, "inside") == 0) {
    inside(&e);
    return 0;
  }
  create(&e);
  wait_matched(&e, e.options.peers);
  char line[16];
  pthread_t server;
  bool serves = e.reader && !e.options.listener;
  if (serves) {
    e.waitset = checked(dds_create_waitset(e.participant), "create_waitset");
    e.guard = checked(dds_create_guardcondition(e.participant), "create_guardcondition");
    dds_waitset_attach(e.waitset, e.reader, 0);
    dds_waitset_attach(e.waitset, e.guard, 1);
    pthread_create(&server, NULL, serve, &e);
  }
  bool goes = fgets(line, sizeof line, stdin) != NULL;
  if (goes && strcmp(e.options.role, "ping") == 0) ping(&e);
  if (goes && strcmp(e.options.role, "publish") == 0) publish(&e);
  while (goes && fgets(line, sizeof line, stdin) != NULL) {}
  if (serves) {
    dds_set_guardcondition(e.guard, true);
    pthread_join(server, NULL);
  }
  if (strcmp(e.options.role, "subscribe") == 0)
    printf("{\"event\":\"result\",\"samples\":%" PRIu64 ",\"elapsed_ns\":%" PRId64 ",\"lost\":%" PRIu64 ",\"disordered\":%" PRIu64 "}\n",
           e.received, e.last_at - e.first_at, e.lost, e.disordered);
  dds_delete(e.participant);
  return 0;
}
