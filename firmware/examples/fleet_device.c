/* skink-device: the embedded device as a process of Linux. It takes part in a fleet with its identity and recorded
 * samples, and its flash is a file: kill it, start it again, and it goes on.
 *
 *     skink-device --identity BLOB --flash FILE --recording FILE [--release FILE] [--bridge ADDRESS:PORT]
 *                  [--sleep SECONDS] [--adapt RATE:PASSES] [--battery PERCENT]
 *
 * With --bridge it speaks in datagrams over UDP and DTLS (docs/datagram.md), else MQTT over TLS with the identity's
 * broker. With --sleep it leaves its broker for so long after each round; over datagrams it sleeps within its session.
 * With --adapt it adapts to samples of its own after each round (skink-sim record --personal). An example of skink.h
 * and of the platform layer in C99; the library's own parts are the firmware's. */

#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "skink/firmware/posix/datagram_link.h"
#include "skink/firmware/posix/device_link.h"
#include "skink/firmware/posix/platform.h"
#include "skink/skink.h"

enum { SECTOR_BYTES = 4096, SECTORS = 128, SLOT_SECTORS = 15, CREDENTIAL_SECTORS = 1, ARENA_BYTES = 256 * 1024 };

static skink_device device; /* nothing of it is on the heap, as on a microcontroller */
static skink_credential_memory credentials;
static skink_link link_to_broker;
static skink_datagram_link link_to_bridge;
static char bridge_host[256];
static uint64_t arena[ARENA_BYTES / sizeof(uint64_t)];
static uint8_t identity_image[4096];
static uint8_t recording[4 * 1024 * 1024];
static uint8_t release[256 * 1024];
static volatile sig_atomic_t is_stopped;
static int is_round_over; /* since the last adaptation to its own samples */

struct options {
  const char* identity;
  const char* flash;
  const char* recording;
  const char* release;
  uint16_t bridge_port; /* 0: none */
  uint32_t sleep_s;     /* 0: it stays connected */
  float adapt_rate;
  uint32_t adapt_passes;    /* 0: it does not adapt by itself */
  uint32_t battery_percent; /* 255: mains */
};

static void stop(int number) {
  (void)number;
  is_stopped = 1;
}

static void say(const char* text) {
  printf("%s\n", text);
  (void)fflush(stdout);
}

static void on_link(void* context, const char* text, int code) {
  (void)context;
  printf("connection: %s (code %d)\n", text, code);
  (void)fflush(stdout);
}

static void on_model(void* context, skink_model_kind kind, uint32_t number) {
  (void)context;
  if (kind == SKINK_MODEL_RELEASED) {
    printf("model: release %lu\n", (unsigned long)number);
  } else {
    printf("model: of a round\n");
  }
  (void)fflush(stdout);
}

static void on_round(void* context, uint32_t round, skink_round_event event) {
  static const char* const texts[] = {"task taken", "accepted", "refused", "given up"};
  (void)context;
  printf("round %lu: %s\n", (unsigned long)round, texts[event]);
  (void)fflush(stdout);
  if (event == SKINK_ROUND_ACCEPTED) is_round_over = 1;
}

static void on_adapted(void* context, skink_outcome outcome) {
  (void)context;
  say(outcome == SKINK_ADAPTED ? "adapted: in use" : "adapted: dropped");
}

static int failed(const char* what, skink_status status) {
  (void)fprintf(stderr, "skink-device: %s: %s\n", what, skink_status_text(status));
  return 1;
}

/* "host:port" into bridge_host; 0 where it is none. */
static uint16_t read_bridge(const char* text) {
  const char* colon = strrchr(text, ':');
  char* end = NULL;
  unsigned long port;
  if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof bridge_host) return 0;
  port = strtoul(colon + 1, &end, 10);
  if (end == colon + 1 || *end != '\0' || port > 65535) return 0;
  memcpy(bridge_host, text, (size_t)(colon - text));
  return (uint16_t)port;
}

/* "rate:passes"; 0 where it is none. */
static int read_adaptation(const char* text, struct options* options) {
  char* end = NULL;
  options->adapt_rate = strtof(text, &end);
  if (end == text || *end != ':' || options->adapt_rate <= 0) return 0;
  options->adapt_passes = (uint32_t)strtoul(end + 1, &end, 10);
  return *end == '\0' && options->adapt_passes != 0;
}

static int read_options(int count, char** values, struct options* options) {
  int i;
  for (i = 1; i + 1 < count; i += 2) {
    if (strcmp(values[i], "--identity") == 0) {
      options->identity = values[i + 1];
    } else if (strcmp(values[i], "--flash") == 0) {
      options->flash = values[i + 1];
    } else if (strcmp(values[i], "--recording") == 0) {
      options->recording = values[i + 1];
    } else if (strcmp(values[i], "--release") == 0) {
      options->release = values[i + 1];
    } else if (strcmp(values[i], "--sleep") == 0) {
      options->sleep_s = (uint32_t)strtoul(values[i + 1], NULL, 10);
      if (options->sleep_s == 0) return 0;
    } else if (strcmp(values[i], "--adapt") == 0) {
      if (!read_adaptation(values[i + 1], options)) return 0;
    } else if (strcmp(values[i], "--battery") == 0) {
      options->battery_percent = (uint32_t)strtoul(values[i + 1], NULL, 10);
    } else if (strcmp(values[i], "--bridge") == 0) {
      options->bridge_port = read_bridge(values[i + 1]);
      if (options->bridge_port == 0) return 0;
    } else {
      return 0;
    }
  }
  return i == count && options->identity != NULL && options->flash != NULL && options->recording != NULL;
}

/* Its own samples are its own affair: no round waits for it, and a task that comes meanwhile goes first. 1: it begins.
 */
static int adapts_now(const struct options* options) {
  skink_status status;
  if (!is_round_over || options->adapt_passes == 0) return 0;
  is_round_over = 0;
  status = skink_adapt(&device, options->adapt_rate, options->adapt_passes, 1);
  if (status != SKINK_OK) say(skink_status_text(status));
  return status == SKINK_OK;
}

static void run_by_datagrams(const struct options* options) {
  while (!is_stopped) {
    const uint64_t now_ms = skink_posix_now_ms();
    uint64_t next_ms;
    skink_datagram_link_turn(&link_to_bridge, &device, now_ms, &next_ms);
    if (adapts_now(options)) next_ms = now_ms;
    skink_datagram_link_wait(&link_to_bridge, now_ms, next_ms);
  }
}

static void run(const struct options* options) {
  while (!is_stopped) {
    const uint64_t now_ms = skink_posix_now_ms();
    uint64_t next_ms;
    skink_link_turn(&link_to_broker, &device, now_ms, &next_ms);
    if (adapts_now(options)) next_ms = now_ms;
    skink_link_wait(&link_to_broker, now_ms, next_ms);
  }
}

int main(int count, char** values) {
  static skink_identity identity;
  static skink_flash_file flash_file;
  struct options options = {.battery_percent = 255};
  skink_config config = {0};
  skink_bytes image;
  skink_state state;
  struct sigaction action = {0};
  skink_status status;
  if (!read_options(count, values, &options)) {
    (void)fprintf(stderr,
                  "skink-device --identity BLOB --flash FILE --recording FILE [--release FILE] [--bridge ADDRESS:PORT] "
                  "[--sleep SECONDS] [--adapt RATE:PASSES] [--battery PERCENT]\n");
    return 2;
  }
  action.sa_handler = stop;
  (void)sigaction(SIGTERM, &action, NULL);
  (void)sigaction(SIGINT, &action, NULL);

  status = skink_read_file(options.identity, identity_image, sizeof identity_image, &image);
  if (status == SKINK_OK) status = skink_read_identity(image, &identity);
  if (status != SKINK_OK) return failed(options.identity, status);
  status = skink_read_file(options.recording, recording, sizeof recording, &config.recording);
  if (status != SKINK_OK) return failed(options.recording, status);
  if (options.release != NULL) status = skink_read_file(options.release, release, sizeof release, &config.release);
  if (status != SKINK_OK) return failed(options.release, status);
  status = skink_flash_file_open(&flash_file, options.flash, SECTOR_BYTES, SECTORS, &config.flash);
  if (status != SKINK_OK) return failed(options.flash, status);

  config.identity = &identity;
  config.firmware = "skink-device";
  config.arena = (uint8_t*)arena;
  config.arena_bytes = sizeof arena;
  config.sleep_s = options.sleep_s; /* between two rounds; see --sleep */
  config.listen_s = 60;
  config.keep_alive_s = options.bridge_port != 0 ? 20 : 60;
  config.uses_datagrams = options.bridge_port != 0;
  config.model_sectors = SLOT_SECTORS; /* models up to 56 KB */
  config.release_sectors = SLOT_SECTORS;
  config.residual_sectors = SLOT_SECTORS;
  config.personal_sectors = SLOT_SECTORS;
  config.credential_sectors = CREDENTIAL_SECTORS; /* so that its certificate can be renewed */
  config.credential_memory = &credentials;
  skink_link_keys(&link_to_broker, &config.keys);
  config.events.on_model = on_model;
  config.events.on_round = on_round;
  config.events.on_adapted = on_adapted;
  status = skink_init(&device, &config);
  if (status != SKINK_OK) return failed("the device", status);
  skink_set_battery(&device, options.battery_percent);
  skink_get_state(&device, &state);
  printf("%s of fleet %s: start %lu, release %lu%s\n", identity.device_id, identity.fleet, (unsigned long)state.starts,
         (unsigned long)state.release, state.has_model ? ", has a model" : "");
  (void)fflush(stdout);

  if (options.bridge_port != 0) {
    status = skink_datagram_link_init(&link_to_bridge, &identity, bridge_host, options.bridge_port, on_link, NULL);
    if (status == SKINK_OK) run_by_datagrams(&options);
    skink_datagram_link_free(&link_to_bridge, &device);
    skink_flash_file_close(&flash_file);
    return status == SKINK_OK ? 0 : failed("entropy", status);
  }
  status = skink_link_init(&link_to_broker, &identity, on_link, NULL);
  if (status == SKINK_OK) run(&options);
  skink_link_free(&link_to_broker, &device);
  skink_flash_file_close(&flash_file);
  return status == SKINK_OK ? 0 : failed("certificates and key of the identity", status);
}
