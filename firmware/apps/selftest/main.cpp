/// @file
/// The self-test image: golden vectors on the board. QEMU's exit status is the number of checks that failed.

#include "skink/common/arithmetic/canary.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/selftest.hpp"

namespace {

alignas(8) uint8_t memory[skink::firmware::selftest::kMemoryBytes];

}  // namespace

extern "C" void skink_app() {
  using namespace skink;
  const arithmetic::Canary canary = arithmetic::check_floating_point();
  unsigned failed = canary == arithmetic::Canary::kSound ? 0 : 1;
  firmware::print("skink self-test: {}", arithmetic::canary_text(canary));
  for (const firmware::selftest::Check& check : firmware::selftest::checks()) {
    firmware::port::feed_watchdog();
    crypto::Digest found;
    const bool is_right = firmware::selftest::run(check, memory, found);
    firmware::print("{} {} {}", is_right ? "ok    " : "FAILED", firmware::Value::hex(Bytes(found.bytes)), check.name);
    if (!is_right) ++failed;
  }
  firmware::print("self-test: {} of {} checks failed", failed, firmware::selftest::checks().size() + 1);
  firmware::port::finish(failed == 0 ? firmware::Verdict::kPassed : firmware::Verdict::kFailed);
}
