/* What every C and C++ `shape_main` shares: the command line, the lines printed, and the shapes' way over the canvas.
 * The contract is the program's of https://github.com/omg-dds/dds-rtps; the text is this project's own. */
#ifndef SHAPE_COMMON_H
#define SHAPE_COMMON_H

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHAPE_DONE = 0, SHAPE_ARGUMENTS = 1, SHAPE_INITIALISATION = 2, SHAPE_RUNNING = 3 };

struct shape_options {
  bool publisher, subscriber;
  int domain;
  bool reliable;
  int history; /* -1: the library's default; 0: KEEP_ALL */
  long deadline_ms;
  int strength; /* -1: SHARED */
  const char *topic, *color, *filter, *partition;
  char durability; /* v, l, t, p */
  int representation;
  bool print_written;
  int size, size_modulo;
  bool read, take_read;
  long write_ms, read_ms, time_filter_ms, lifespan_ms;
  long iterations; /* 0: endless */
  int instances, topics;
  char final_state; /* 0, u, d */
  char scope;       /* i, t, g */
  bool coherent, ordered;
  int coherent_count;
  size_t payload;
  long announcement_ms;
  int fragment_size;
};

static volatile sig_atomic_t shape_interrupted = 0;
static void shape_on_interrupt(int number) { (void)number, shape_interrupted = 1; }
static pthread_mutex_t shape_output_lock = PTHREAD_MUTEX_INITIALIZER;

/* One line, whole and at once. */
static inline void shape_say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  pthread_mutex_lock(&shape_output_lock);
  vprintf(format, arguments);
  putchar('\n');
  fflush(stdout);
  pthread_mutex_unlock(&shape_output_lock);
  va_end(arguments);
}

static inline void shape_die(int code, const char *message) {
  shape_say("%s", message);
  exit(code);
}

static inline void shape_status(const char *callback, const char *topic, const char *what, int number, const char *detail) {
  shape_say("%s() topic: '%s'  type: 'ShapeType' : %s%d%s", callback, topic, what, number, detail);
}

static inline void shape_print(const char *topic, const char *color, int x, int y, int size, const uint8_t *payload, size_t length) {
  if (length > 0) shape_say("%-10s %-10s %03d %03d [%d] {%u}", topic, color, x, y, size, (unsigned)payload[length - 1]);
  else shape_say("%-10s %-10s %03d %03d [%d]", topic, color, x, y, size);
}

static inline void shape_print_end(const char *topic, const char *color, bool disposed) {
  shape_say("%-10s %-10s %s", topic, color, disposed ? "NOT_ALIVE_DISPOSED_INSTANCE_STATE" : "NOT_ALIVE_NO_WRITERS_INSTANCE_STATE");
}

/* NAME, NAME1, NAME2 … */
static inline void shape_numbered(char *out, size_t size, const char *name, int index) {
  if (index == 0) snprintf(out, size, "%s", name);
  else snprintf(out, size, "%s%d", name, index);
}

static inline void shape_sleep(long ms) {
  struct timespec left = {ms / 1000, (ms % 1000) * 1000000};
  while (!shape_interrupted && nanosleep(&left, &left) != 0) {}
}

static inline long shape_number(const char *what, const char *text, long least) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || value < least) {
    shape_say("incorrect value for %s: %s", what, text);
    exit(SHAPE_ARGUMENTS);
  }
  return value;
}

static inline char shape_letter(const char *what, const char *text, const char *allowed) {
  if (*text == 0 || strchr(allowed, *text) == NULL) {
    shape_say("unrecognized value for %s: %s", what, text);
    exit(SHAPE_ARGUMENTS);
  }
  return *text;
}

enum {
  SHAPE_CFT = 256, SHAPE_MODULO, SHAPE_TAKE_READ, SHAPE_WRITE_PERIOD, SHAPE_READ_PERIOD, SHAPE_TIME_FILTER, SHAPE_LIFESPAN,
  SHAPE_ITERATIONS, SHAPE_INSTANCES, SHAPE_TOPICS, SHAPE_FINAL, SHAPE_SCOPE, SHAPE_COHERENT, SHAPE_ORDERED, SHAPE_COUNT,
  SHAPE_PAYLOAD, SHAPE_ANNOUNCEMENT, SHAPE_FRAGMENT
};

static inline struct shape_options shape_parse(int argc, char **argv) {
  static const struct option longs[] = {
      {"help", no_argument, NULL, 'h'},
      {"cft", required_argument, NULL, SHAPE_CFT},
      {"size-modulo", required_argument, NULL, SHAPE_MODULO},
      {"take-read", no_argument, NULL, SHAPE_TAKE_READ},
      {"write-period", required_argument, NULL, SHAPE_WRITE_PERIOD},
      {"read-period", required_argument, NULL, SHAPE_READ_PERIOD},
      {"time-filter", required_argument, NULL, SHAPE_TIME_FILTER},
      {"lifespan", required_argument, NULL, SHAPE_LIFESPAN},
      {"num-iterations", required_argument, NULL, SHAPE_ITERATIONS},
      {"num-instances", required_argument, NULL, SHAPE_INSTANCES},
      {"num-topics", required_argument, NULL, SHAPE_TOPICS},
      {"final-instance-state", required_argument, NULL, SHAPE_FINAL},
      {"access-scope", required_argument, NULL, SHAPE_SCOPE},
      {"coherent", no_argument, NULL, SHAPE_COHERENT},
      {"ordered", no_argument, NULL, SHAPE_ORDERED},
      {"coherent-sample-count", required_argument, NULL, SHAPE_COUNT},
      {"additional-payload-size", required_argument, NULL, SHAPE_PAYLOAD},
      {"periodic-announcement", required_argument, NULL, SHAPE_ANNOUNCEMENT},
      {"datafrag-size", required_argument, NULL, SHAPE_FRAGMENT},
      {NULL, 0, NULL, 0}};
  struct shape_options o;
  memset(&o, 0, sizeof o);
  o.reliable = true, o.history = -1, o.strength = -1, o.durability = 'v', o.representation = 1, o.size = 20;
  o.write_ms = 33, o.read_ms = 100, o.instances = 1, o.topics = 1, o.scope = 'i';
  int option;
  while ((option = getopt_long(argc, argv, "hv:PSd:brk:f:s:t:c:p:D:x:wz:R", longs, NULL)) != -1) {
    switch (option) {
      case 'h': shape_say("options: see https://github.com/omg-dds/dds-rtps"); exit(SHAPE_DONE);
      case 'v': shape_letter("verbosity", optarg, "ed"); break;
      case 'P': o.publisher = true; break;
      case 'S': o.subscriber = true; break;
      case 'd': o.domain = (int)shape_number("domain", optarg, 0); break;
      case 'b': o.reliable = false; break;
      case 'r': o.reliable = true; break;
      case 'k': o.history = (int)shape_number("history depth", optarg, 0); break;
      case 'f': o.deadline_ms = shape_number("deadline", optarg, 0); break;
      case 's': o.strength = (int)shape_number("ownership strength", optarg, -1); break;
      case 't': o.topic = optarg; break;
      case 'c': o.color = optarg; break;
      case SHAPE_CFT: o.filter = optarg; break;
      case 'p': o.partition = optarg; break;
      case 'D': o.durability = shape_letter("durability", optarg, "vltp"); break;
      case 'x': o.representation = shape_letter("data representation", optarg, "12") - '0'; break;
      case 'w': o.print_written = true; break;
      case 'z': o.size = (int)shape_number("shapesize", optarg, 0); break;
      case SHAPE_MODULO: o.size_modulo = (int)shape_number("size-modulo", optarg, 1); break;
      case 'R': o.read = true; break;
      case SHAPE_TAKE_READ: o.take_read = true; break;
      case SHAPE_WRITE_PERIOD: o.write_ms = shape_number("write-period", optarg, 0); break;
      case SHAPE_READ_PERIOD: o.read_ms = shape_number("read-period", optarg, 0); break;
      case SHAPE_TIME_FILTER: o.time_filter_ms = shape_number("time-filter", optarg, 0); break;
      case SHAPE_LIFESPAN: o.lifespan_ms = shape_number("lifespan", optarg, 0); break;
      case SHAPE_ITERATIONS: o.iterations = shape_number("num-iterations", optarg, 1); break;
      case SHAPE_INSTANCES: o.instances = (int)shape_number("num-instances", optarg, 1); break;
      case SHAPE_TOPICS: o.topics = (int)shape_number("num-topics", optarg, 1); break;
      case SHAPE_FINAL: o.final_state = shape_letter("final-instance-state", optarg, "ud"); break;
      case SHAPE_SCOPE: o.scope = shape_letter("access-scope", optarg, "itg"); break;
      case SHAPE_COHERENT: o.coherent = true; break;
      case SHAPE_ORDERED: o.ordered = true; break;
      case SHAPE_COUNT: o.coherent_count = (int)shape_number("coherent-sample-count", optarg, 0); break;
      case SHAPE_PAYLOAD: o.payload = (size_t)shape_number("additional-payload-size", optarg, 0); break;
      case SHAPE_ANNOUNCEMENT: o.announcement_ms = shape_number("periodic-announcement", optarg, 0); break;
      case SHAPE_FRAGMENT: o.fragment_size = (int)shape_number("datafrag-size", optarg, 1); break;
      default: exit(SHAPE_ARGUMENTS);
    }
  }
  if (o.publisher == o.subscriber) shape_die(SHAPE_ARGUMENTS, "please specify one of: publish -P or subscribe -S");
  if (o.topic == NULL) shape_die(SHAPE_ARGUMENTS, "please specify topic name -t");
  if (o.color != NULL && o.filter != NULL) shape_die(SHAPE_ARGUMENTS, "please specify only one of -c and --cft");
  if (o.publisher && o.color == NULL) {
    o.color = "BLUE";
    shape_say("warning: color was not specified, defaulting to \"BLUE\"");
  }
  signal(SIGINT, shape_on_interrupt);
  return o;
}

/* A point that bounces within 240 by 270. */
struct shape_motion { int x, y, dx, dy; };

static inline struct shape_motion shape_motion_new(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  unsigned seed = (unsigned)now.tv_nsec;
  struct shape_motion m = {rand_r(&seed) % 240, rand_r(&seed) % 270, rand_r(&seed) % 5 + 1, rand_r(&seed) % 5 + 1};
  return m;
}

static inline void shape_bounce(int *position, int *speed, int limit) {
  *position += *speed;
  if (*position < 0) *position = 0, *speed = -*speed;
  if (*position > limit) *position = limit, *speed = -*speed;
}

static inline void shape_advance(const struct shape_options *o, struct shape_motion *m, int *size) {
  shape_bounce(&m->x, &m->dx, 240);
  shape_bounce(&m->y, &m->dy, 270);
  if (o->size == 0) *size = o->size_modulo > 0 ? *size % o->size_modulo + 1 : *size + 1;
}

#endif
