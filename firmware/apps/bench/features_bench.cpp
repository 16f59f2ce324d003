/// @file
/// Instructions of the blocks of common/features, for docs/features.md, section 8. Output, a line a block: name and
/// instructions, of one call.

#include "features_bench.hpp"

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/features/extractor.hpp"
#include "skink/common/features/standardiser.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/stopwatch.hpp"

namespace skink::firmware {
namespace {

void say(const char* block, uint32_t size, uint32_t begin) noexcept {
  const uint32_t end = stopwatch::ticks();
  print("features {} {} {}", block, size, stopwatch::instructions(begin, end));
}

void fill(Span<float> numbers, uint32_t round) noexcept {
  for (uint32_t e = 0; e < numbers.size(); ++e) {
    numbers[e] = arithmetic::uniform_between(arithmetic::philox(99, e, 4, round, 0).words[0], -1, 1);
  }
}

/// Transform, power and bands of N readings. Room for 3 N numbers.
void measure_spectrum(uint32_t n, Span<float> memory) noexcept {
  constexpr uint32_t kBands = 20;
  port::feed_watchdog();
  const Span<float> x = memory.first(n);
  const Span<float> scratch = memory.subspan(n, n);
  const Span<float> taper = memory.subspan(2 * n, features::taper_count(features::Taper::kHann, n));
  const Span<float> rest = memory.subspan(3 * n, features::MelBands::memory_count(kBands) + kBands);
  fill(scratch, n);
  uint32_t begin = stopwatch::ticks();
  (void)features::real_transform(scratch);
  say("transform", n, begin);
  fill(x, n);
  (void)features::make_taper(features::Taper::kHann, n, taper);
  begin = stopwatch::ticks();
  (void)features::power_spectrum(x, taper, scratch);
  say("power", n, begin);
  features::MelBands bands;
  const Span<float> out = rest.first(kBands);
  (void)bands.begin({kBands, n, 16000, 60, 7600}, rest.subspan(kBands));
  begin = stopwatch::ticks();
  (void)bands.apply(scratch.first(n / 2 + 1), out);
  say("mel-20", n, begin);
}

}  // namespace

void measure_features() noexcept {
  auto* numbers = reinterpret_cast<float*>(arena().data());
  const Span<float> memory{numbers, arena().size() / sizeof(float)};
  constexpr uint32_t kLengths[] = {256, 512, 1024};
  for (const uint32_t n : kLengths) measure_spectrum(n, memory);
  const Span<float> x = memory.first(128);
  fill(x, 1);
  float out[7];
  uint32_t begin = stopwatch::ticks();
  (void)features::statistics(x, features::kAllStatistics, out);
  say("statistics-7", 128, begin);
  features::Standardiser standardiser;
  (void)standardiser.begin(64, memory.subspan(128, 128));
  begin = stopwatch::ticks();
  (void)standardiser.add(x.first(64));
  (void)standardiser.standardise(x.first(64));
  say("standardise", 64, begin);
}

}  // namespace skink::firmware
