#include "skink/host/program/float_environment.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace skink {

arithmetic::Canary prepare_thread_arithmetic() noexcept {
#if defined(__x86_64__)
  _mm_setcsr(0x1f80);  // exceptions masked, to nearest, neither flush-to-zero nor denormals-are-zero
#elif defined(__aarch64__)
  unsigned long control = 0;
  __asm__ volatile("msr fpcr, %0" : : "r"(control));
#endif
  return arithmetic::check_floating_point();
}

}  // namespace skink
