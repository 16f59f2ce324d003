#include "skink/firmware/selftest_run.hpp"

#include "skink/common/arithmetic/canary.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/selftest.hpp"

namespace skink::firmware::selftest {

unsigned run_all(MutableBytes memory) noexcept {
  const arithmetic::Canary canary = arithmetic::check_floating_point();
  unsigned failed = canary == arithmetic::Canary::kSound ? 0 : 1;
  print("skink self-test: {}", arithmetic::canary_text(canary));
  for (const Check& check : checks()) {
    crypto::Digest found;
    const bool is_right = run(check, memory, found);
    print("{} {} {}", is_right ? "ok    " : "FAILED", Value::hex(Bytes(found.bytes)), check.name);
    if (!is_right) ++failed;
  }
  print("self-test: {} of {} checks failed", failed, checks().size() + 1);
  return failed;
}

}  // namespace skink::firmware::selftest
