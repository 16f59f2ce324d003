#pragma once
/// @file
/// Where the time of a run goes: a thread that computes rounds says after each stage of its work which one that was.
/// Nobody listens unless `skink-sim profile` does; then a lap costs some ten nanoseconds.

#include <cstddef>
#include <cstdint>
#include <vector>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace skink::simulations {

/// Stages of a device-round. Those of layer l follow kLayers: forward at kLayers + 2 l, backward after it.
enum Stage : std::uint32_t { kDraw, kSamples, kCopy, kLoss, kTake, kStep, kOther, kLayers };

/// Stages of a layer.
/// @param[in] layer  index in the network
[[gnu::always_inline]] inline Stage forward_stage(std::size_t layer) noexcept {
  return static_cast<Stage>(kLayers + 2 * layer);
}
[[gnu::always_inline]] inline Stage backward_stage(std::size_t layer) noexcept {
  return static_cast<Stage>(kLayers + 2 * layer + 1);
}

/// Of one thread. All of it is inlined: the code of an instruction set may not define functions that others use.
class StageClock {
 public:
  /// @param[in] layers  of the network
  explicit StageClock(std::size_t layers) : ticks_(kLayers + 2 * layers, 0), laps_(ticks_.size(), 0) {}

  /// The next stage begins now, whatever was before.
  [[gnu::always_inline]] void start() noexcept { last_ = now(); }
  /// What passed since the last lap belongs to this stage.
  [[gnu::always_inline]] void lap(Stage stage) noexcept {
    const std::uint64_t time = now();
    ticks_.data()[stage] += time - last_;
    ++laps_.data()[stage];
    last_ = time;
  }

  /// Of a counter that runs evenly, in unknown units.
  const std::vector<std::uint64_t>& ticks() const { return ticks_; }
  const std::vector<std::uint64_t>& laps() const { return laps_; }

  /// The processor's time stamp counter, or what it has in its place.
  [[gnu::always_inline]] static std::uint64_t now() noexcept {
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    std::uint64_t ticks;
    asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
#error "this processor's counter is not known; see StageClock"
#endif
  }

 private:
  std::vector<std::uint64_t> ticks_;
  std::vector<std::uint64_t> laps_;
  std::uint64_t last_ = 0;
};

/// clock->lap(stage), unless nobody wants to know (null).
[[gnu::always_inline]] inline void lap(StageClock* clock, Stage stage) noexcept {
  if (clock != nullptr) clock->lap(stage);
}

}  // namespace skink::simulations
