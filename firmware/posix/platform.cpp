#include "skink/firmware/posix/platform.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

uint64_t skink_posix_now_ms(void) {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

skink_status skink_posix_entropy(uint8_t* out, size_t count) {
  for (size_t done = 0; done < count;) {
    const ssize_t got = getrandom(out + done, count - done, 0);
    if (got < 0 && errno != EINTR) return SKINK_UNAVAILABLE;
    if (got > 0) done += static_cast<size_t>(got);
  }
  return SKINK_OK;
}
