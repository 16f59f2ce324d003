/// @file
/// The canary must see every way in which a process can lose the arithmetic, and prepare_thread_arithmetic must mend
/// those that a control word can mend.

#include "skink/common/arithmetic/canary.hpp"

#include <dlfcn.h>

#include <catch2/catch.hpp>
#include <cfenv>
#include <cstring>
#include <set>
#include <thread>

#include "skink/host/program/float_environment.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace skink;
using arithmetic::Canary;
using arithmetic::check_floating_point;

namespace {

/// Restores the whole floating-point environment, whatever a test did to it.
class EnvironmentGuard {
 public:
  EnvironmentGuard() { std::fegetenv(&saved_); }
  ~EnvironmentGuard() { std::fesetenv(&saved_); }
  EnvironmentGuard(const EnvironmentGuard&) = delete;
  EnvironmentGuard& operator=(const EnvironmentGuard&) = delete;

 private:
  std::fenv_t saved_{};
};

}  // namespace

TEST_CASE("canary: this process computes as the document says", "[common][arithmetic][canary]") {
  CHECK(check_floating_point() == Canary::kSound);
}

TEST_CASE("canary: every other rounding mode is seen and mended", "[common][arithmetic][canary]") {
  const int mode = GENERATE(FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO);
  Canary seen = Canary::kSound;
  Canary mended = Canary::kSound;
  {
    const EnvironmentGuard guard;
    REQUIRE(std::fesetround(mode) == 0);
    seen = check_floating_point();
    mended = prepare_thread_arithmetic();
  }
  CHECK(seen == Canary::kWrongRounding);
  CHECK(mended == Canary::kSound);
  CHECK(check_floating_point() == Canary::kSound);
}

#if defined(__x86_64__)
TEST_CASE("canary: flush-to-zero and denormals-are-zero are seen and mended", "[common][arithmetic][canary]") {
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x0040;
  const unsigned bits = GENERATE(0x8000U, 0x0040U, kFlushToZero | kDenormalsAreZero);
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | bits);
  const Canary seen = check_floating_point();
  const Canary mended = prepare_thread_arithmetic();
  const unsigned control = _mm_getcsr();
  _mm_setcsr(saved);
  CHECK(seen == Canary::kDenormalsLost);
  CHECK(mended == Canary::kSound);
  CHECK((control & (kFlushToZero | kDenormalsAreZero)) == 0);
}
#endif

TEST_CASE("canary: a library built with -ffast-math is seen and mended", "[common][arithmetic][canary]") {
  const EnvironmentGuard guard;
  void* module = dlopen(SKINK_TEST_FAST_MATH_MODULE, RTLD_NOW | RTLD_LOCAL);
  const Canary seen = check_floating_point();
  const Canary mended = prepare_thread_arithmetic();
  REQUIRE(module != nullptr);
  dlclose(module);
  if (seen == Canary::kSound) WARN("SKIPPED: this compiler's -ffast-math libraries leave the control word alone");
  CHECK((seen == Canary::kDenormalsLost || seen == Canary::kSound));
  CHECK(mended == Canary::kSound);
}

TEST_CASE("canary: a new thread inherits a spoiled control word and is mended", "[common][arithmetic][canary]") {
  Canary seen = Canary::kSound;
  Canary mended = Canary::kSound;
  {
    const EnvironmentGuard guard;
    REQUIRE(std::fesetround(FE_UPWARD) == 0);
    std::thread([&] {
      seen = check_floating_point();
      mended = prepare_thread_arithmetic();
    }).join();
  }
  CHECK(seen == Canary::kWrongRounding);
  CHECK(mended == Canary::kSound);
}

TEST_CASE("canary: every finding has its own text", "[common][arithmetic][canary]") {
  std::set<std::string> texts;
  for (const Canary finding : {Canary::kSound, Canary::kContracted, Canary::kDenormalsLost, Canary::kWrongRounding,
                               Canary::kExtraPrecision, Canary::kReassociated}) {
    texts.insert(arithmetic::canary_text(finding));
  }
  CHECK(texts.size() == 6);
  CHECK(texts.count("unknown") == 0);
}
