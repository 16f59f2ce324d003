/// What console.hpp prints goes to standard output. Apart from the platform layer, because a program may want it
/// elsewhere.
#include <stdio.h>

#include "skink/firmware/port.hpp"

void skink::firmware::port::console(const char* text, size_t count) noexcept {
  (void)fwrite(text, 1, count, stdout);
  if (count > 0 && text[count - 1] == '\n') (void)fflush(stdout);
}
