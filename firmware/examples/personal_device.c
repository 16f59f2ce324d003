/* skink-personal-example: a device that is of use without any network. Its user names two things the other way round
 * than the model that it was made with; five samples of each teach it that, and a restart does not make it forget.
 *
 *     skink-personal-example MODEL FLASH [teach]
 *
 * MODEL is a model file of two inputs and four classes, the corners of a square (a sensor of real things would be read
 * in read_sensor()); FLASH a file that stands for flash memory. Prints how many of 40 observations are right. An
 * example of skink.h in C99. */

#include <stdio.h>
#include <string.h>

#include "skink/firmware/posix/platform.h"
#include "skink/skink.h"

enum { INPUTS = 2, CLASSES = 4, PER_CLASS = 5, SECTOR_BYTES = 512, SECTORS = 24 };

static skink_device device;
static uint64_t arena[1024];
static uint8_t model_file[1024];
static float observation[INPUTS];
static skink_sample_slot slots[32];
static skink_outcome outcome;
static int has_ended;

/* One of four corners, with noise. */
static void read_sensor(uint32_t kind, uint32_t* random, float* x) {
  int i;
  for (i = 0; i < INPUTS; ++i) {
    *random = *random * 1664525u + 1013904223u;
    x[i] = ((kind >> i & 1) != 0 ? 1000.0f : -1000.0f) + (float)(*random >> 16) / 65536.0f * 600.0f - 300.0f;
    x[i] = (float)(int)x[i]; /* as a converter gives it: whole */
  }
}

/* What this user calls a corner: 1 and 2 are swapped. */
static uint32_t user_label(uint32_t kind) { return kind == 1 ? 2 : kind == 2 ? 1 : kind; }

static void on_adapted(void* context, skink_outcome ended) {
  (void)context;
  outcome = ended;
  has_ended = 1;
}

static int count_right(void) {
  uint32_t random = 7;
  uint32_t i;
  int right = 0;
  for (i = 0; i < 40; ++i) {
    float x[INPUTS];
    float outputs[CLASSES];
    read_sensor(i % CLASSES, &random, x);
    if (skink_observe(&device, x, INPUTS) != SKINK_OK) return -1;
    if (skink_predict(&device, outputs, CLASSES) != SKINK_OK) return -1;
    if (skink_argmax(outputs, CLASSES) == user_label(i % CLASSES)) ++right;
  }
  return right;
}

/* A button is held while something is seen. */
static skink_status teach(void) {
  uint32_t random = 99;
  uint32_t i;
  skink_status status = SKINK_OK;
  uint64_t next_ms;
  for (i = 0; i < CLASSES * PER_CLASS && status == SKINK_OK; ++i) {
    float x[INPUTS];
    read_sensor(i % CLASSES, &random, x);
    status = skink_observe(&device, x, INPUTS);
    if (status == SKINK_OK) status = skink_label(&device, user_label(i % CLASSES));
  }
  if (status == SKINK_OK) status = skink_adapt(&device, 0.05f, 60, 1);
  while (status == SKINK_OK && !has_ended) status = skink_poll(&device, skink_posix_now_ms(), &next_ms);
  do { /* what was learned goes to flash */
    if (status == SKINK_OK) status = skink_poll(&device, skink_posix_now_ms(), &next_ms);
  } while (status == SKINK_OK && next_ms <= skink_posix_now_ms());
  return status;
}

static int failed(const char* what, skink_status status) {
  (void)fprintf(stderr, "%s: %s\n", what, skink_status_text(status));
  return 1;
}

int main(int count, char** values) {
  static skink_flash_file flash_file;
  skink_config config = {0};
  skink_state state;
  skink_status status;
  if (count < 3 || count > 4 || (count == 4 && strcmp(values[3], "teach") != 0)) {
    (void)fprintf(stderr, "skink-personal-example MODEL FLASH [teach]\n");
    return 2;
  }
  status = skink_read_file(values[1], model_file, sizeof model_file, &config.model);
  if (status != SKINK_OK) return failed(values[1], status);
  status = skink_flash_file_open(&flash_file, values[2], SECTOR_BYTES, SECTORS, &config.flash);
  if (status != SKINK_OK) return failed(values[2], status);

  config.arena = (uint8_t*)arena;
  config.arena_bytes = sizeof arena;
  config.model_sectors = 3;
  config.personal_sectors = 3;
  config.sample_sectors = 6;
  config.shape.inputs = INPUTS;
  config.shape.classes = CLASSES;
  config.shape.targets = 1;
  config.shape.per_class = PER_CLASS;
  config.shape.number = SKINK_INT16;
  config.sample_slots = slots;
  config.sample_slot_count = sizeof slots / sizeof slots[0];
  config.observation = observation;
  config.events.on_adapted = on_adapted;
  status = skink_init(&device, &config);
  if (status != SKINK_OK) return failed("the device", status);

  printf("%d of 40 right\n", count_right());
  if (count == 4) {
    status = teach();
    if (status != SKINK_OK) return failed("teaching", status);
    printf("%s; %d of 40 right\n", outcome == SKINK_ADAPTED ? "adapted" : "not adapted", count_right());
  }
  skink_get_state(&device, &state);
  printf("start %lu, %lu samples, %s weights\n", (unsigned long)state.starts, (unsigned long)state.samples,
         state.own_use == SKINK_ADAPTED ? "its own" : "the model's");
  skink_flash_file_close(&flash_file);
  return 0;
}
