#include "skink/common/arithmetic/canary.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"

extern "C" void skink_app() {
  using namespace skink;
  firmware::print("skink self-test");
  firmware::print("canary: {}", arithmetic::canary_text(arithmetic::check_floating_point()));
  firmware::print("arena {} bytes, stack {} of {} used", firmware::arena().size(), firmware::stack_bytes_used(),
                  firmware::stack_bytes());
  for (;;) firmware::port::restart(firmware::ResetReason::kSoftware);
}
