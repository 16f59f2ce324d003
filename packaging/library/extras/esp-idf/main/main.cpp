// Compares what this board computes with the reference implementation.

#include <Skink.h>
#include <stdio.h>

namespace {

alignas(8) uint8_t memory[skink::firmware::selftest::kMemoryBytes];

void to_stdout(void* /*context*/, const char* text, size_t count) { fwrite(text, 1, count, stdout); }

}  // namespace

extern "C" void app_main() {
  skink::firmware::set_log(to_stdout, nullptr);
  (void)skink::firmware::selftest::run_all(memory);
}
