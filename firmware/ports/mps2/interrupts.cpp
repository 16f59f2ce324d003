/// @file
/// The external interrupts that have handlers; an image without a driver has none for its chip.

#include <stdint.h>

#include "board_map.hpp"

extern "C" {

void Unexpected_Handler();
void Timers_Handler();
__attribute__((weak)) void Ethernet_Handler() { Unexpected_Handler(); }

}  // extern "C"

namespace {

using namespace skink::firmware::port;

constexpr uint32_t kCount = board_map::kEthernetInterrupt + 1;
static_assert(board_map::kTimersInterrupt < kCount, "the table ends with the network chip's interrupt");

struct Table {
  void (*handlers[kCount])();
};

constexpr Table table() noexcept {
  Table result{};
  for (auto& handler : result.handlers) handler = Unexpected_Handler;
  result.handlers[board_map::kTimersInterrupt] = Timers_Handler;
  result.handlers[board_map::kEthernetInterrupt] = Ethernet_Handler;
  return result;
}

}  // namespace

extern "C" {

extern const Table skink_external_vectors;
__attribute__((section(".vectors.external"), used)) constexpr Table skink_external_vectors = table();

}  // extern "C"
