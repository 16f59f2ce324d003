/// @file
/// A sensor for boards that have none, and for tests: two seconds each of idle, shake and circle, over and over, with
/// an operator who never lets go of the buttons. Reading n is a function of n and of the device id, from which
/// frequencies, strengths and attitude are drawn. Polled, with the board's tick as its clock.

#include "sensor.hpp"
#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/crc32.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/firmware/port.hpp"

namespace skink::firmware::sensor {
namespace {

constexpr uint32_t kPeriodMs = 10;
constexpr uint32_t kReadingsPerMotion = 200;
constexpr float kTurn = 6.2831853F;
constexpr float kNoise = 0.04F;  ///< g

enum Motion : uint8_t { kIdle, kShake, kCircle, kMotions };

ReadingRing* ring = nullptr;
uint32_t seed = 0;
uint32_t next_reading = 0;
float gravity[3];
float shake_strength = 0;  // g
float circle_strength = 0;
uint32_t shake_step = 0;  // turns per reading in units of 2^-16
uint32_t circle_step = 0;

uint32_t steps_of(float hertz) noexcept { return static_cast<uint32_t>(hertz * (65536.0F * kPeriodMs / 1000)); }

float angle_of(uint32_t reading, uint32_t step) noexcept {
  return static_cast<float>((reading * step) & 0xffffU) * (kTurn / 65536);
}

int16_t count_of(float g) noexcept { return static_cast<int16_t>(g / kUnit); }

void push(uint32_t number) noexcept {
  const auto motion = static_cast<Motion>(number / kReadingsPerMotion % kMotions);
  float g[3];
  const arithmetic::PhiloxBlock noise = arithmetic::philox(seed, number, 0, 0, 0);
  for (int axis = 0; axis < 3; ++axis) {
    g[axis] = gravity[axis] + arithmetic::uniform_between(noise.words[axis], -kNoise, kNoise);
  }
  if (motion == kShake) {
    g[0] += shake_strength * arithmetic::sin(angle_of(number, shake_step));
  } else if (motion == kCircle) {
    g[0] += circle_strength * arithmetic::cos(angle_of(number, circle_step));
    g[1] += circle_strength * arithmetic::sin(angle_of(number, circle_step));
  }
  ring->push(count_of(g[0]), count_of(g[1]), count_of(g[2]), motion);
}

}  // namespace

void start(ReadingRing& to) noexcept {
  ring = &to;
  provisioning::DeviceIdentity identity;
  if (provisioning::read_identity(port::identity_partition(), identity) == Status::kOk) {
    seed = crc32({reinterpret_cast<const uint8_t*>(identity.device_id.data()), identity.device_id.size()});
  }
  const arithmetic::PhiloxBlock one = arithmetic::philox(seed, 0, 1, 0, 0);
  const arithmetic::PhiloxBlock two = arithmetic::philox(seed, 1, 1, 0, 0);
  const float tilt = arithmetic::uniform_between(one.words[0], 0, 0.6F);
  const float heading = arithmetic::uniform_between(one.words[1], 0, kTurn);
  gravity[0] = arithmetic::sin(tilt) * arithmetic::cos(heading);
  gravity[1] = arithmetic::sin(tilt) * arithmetic::sin(heading);
  gravity[2] = arithmetic::cos(tilt);
  shake_strength = arithmetic::uniform_between(one.words[2], 0.8F, 1.5F);
  circle_strength = arithmetic::uniform_between(one.words[3], 0.5F, 0.9F);
  shake_step = steps_of(arithmetic::uniform_between(two.words[0], 4.0F, 6.0F));
  circle_step = steps_of(arithmetic::uniform_between(two.words[1], 1.5F, 2.5F));
}

uint64_t poll(uint64_t now_ms) noexcept {
  const auto due = static_cast<uint32_t>(now_ms / kPeriodMs);
  if (due - next_reading > ReadingRing::kCapacity) {  // as a part's FIFO: what is too old is gone
    ring->note_gap();
    next_reading = due - ReadingRing::kCapacity;
  }
  for (; next_reading != due; ++next_reading) push(next_reading);
  return (uint64_t{due} + 1) * kPeriodMs;
}

}  // namespace skink::firmware::sensor
