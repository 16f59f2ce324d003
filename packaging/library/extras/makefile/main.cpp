// Compares what this machine computes with the reference implementation, then runs a client that no broker has heard of
// yet: it asks for its topics, and says who it is.

#include <Skink.h>
#include <stdio.h>

namespace {

using namespace skink;

alignas(8) uint8_t memory[firmware::selftest::kMemoryBytes];
alignas(8) uint8_t arena[16384];

void to_stdout(void* /*context*/, const char* text, size_t count) { fwrite(text, 1, count, stdout); }

/// @returns whether the birth message came, after the subscriptions that precede it.
bool say_hello() {
  edge::ClientConfig config;
  config.identity = {"device-001", {}};
  config.arena = arena;
  config.firmware = "makefile example";
  static edge::Client client(config, {});
  client.on_connected(0);
  edge::Action action;
  while (client.next_action(action)) {
    if (action.kind == edge::ActionKind::kPublish)
      return printf("a birth message of %zu bytes\n", action.payload.size()) > 0;
  }
  return false;
}

}  // namespace

int main() {
  firmware::set_log(to_stdout, nullptr);
  const bool is_right = firmware::selftest::run_all(memory) == 0;
  return say_hello() && is_right ? 0 : 1;
}
