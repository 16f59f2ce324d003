/// @file
/// A microphone for boards that have none, and for tests: a word every half second. The first fifteen with a button
/// held, five of each of three words; then the three in turn, without. A word is a tone that rises, that falls, or two
/// short ones; pitch, loudness, length and noise are drawn for each from its number and the device id. Readings come at
/// 8,000 a second by the board's tick, and none is lost where the board is slower: time then passes more slowly here.

#include "microphone.hpp"
#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/crc32.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/samples/reading_ring.hpp"

namespace skink::firmware::microphone {
namespace {

constexpr uint32_t kReadingsPerWord = kRateHz / 2;
constexpr uint32_t kReadingsPerMs = kRateHz / 1000;
constexpr uint32_t kWords = 3;
constexpr uint32_t kLabelledWords = 15;
constexpr float kFullScale = 32767.0F;
constexpr float kTurn = 6.2831853F;

BlockRing* ring = nullptr;
uint32_t seed = 0;
uint32_t next_reading = 0;
uint64_t begin_ms = 0;  ///< moves on where the board is slower

struct Utterance {
  uint32_t word = 0;
  uint32_t begin = 0;  ///< readings after its half second's begin
  uint32_t length = 0;
  float pitch = 1;
  float loudness = 0;
};
Utterance current;
float phase = 0;  ///< of the tone, in turns, 0..1

Utterance utterance(uint32_t number) noexcept {
  const arithmetic::PhiloxBlock drawn = arithmetic::philox(seed, number, 2, 0, 0);
  Utterance result;
  result.word = number < kLabelledWords ? number / (kLabelledWords / kWords) : number % kWords;
  result.begin = 200 + drawn.words[0] % 400;
  result.length = 2500 + drawn.words[1] % 500;
  result.pitch = arithmetic::uniform_between(drawn.words[2], 0.85F, 1.15F);
  result.loudness = arithmetic::uniform_between(drawn.words[3], 0.2F, 0.6F);
  return result;
}

/// Hertz of a word at a part of its length, 0..1; 0 where it pauses.
float tone_of(uint32_t word, float part) noexcept {
  if (word == 0) return 500.0F + 1500.0F * part;
  if (word == 1) return 2000.0F - 1500.0F * part;
  return part > 0.35F && part < 0.65F ? 0.0F : 900.0F;
}

int16_t reading(uint32_t number) noexcept {
  const uint32_t within = number % kReadingsPerWord;
  if (within == 0) current = utterance(number / kReadingsPerWord);
  const arithmetic::PhiloxBlock noise = arithmetic::philox(seed, number / 4, 3, 0, 0);
  float x = arithmetic::uniform_between(noise.words[number % 4], -0.01F, 0.01F);
  if (within >= current.begin && within < current.begin + current.length) {
    const float part = static_cast<float>(within - current.begin) / static_cast<float>(current.length);
    const float hertz = tone_of(current.word, part) * current.pitch;
    phase += hertz * (1.0F / kRateHz);
    if (phase >= 1.0F) phase -= 1.0F;
    if (hertz > 0.0F) x += current.loudness * arithmetic::sin(phase * kTurn);
  }
  return static_cast<int16_t>(x * kFullScale);
}

}  // namespace

void start(BlockRing& to) noexcept {
  ring = &to;
  begin_ms = port::now_ms();
  provisioning::DeviceIdentity identity;
  if (provisioning::read_identity(port::identity_partition(), identity) == Status::kOk) {
    seed = crc32({reinterpret_cast<const uint8_t*>(identity.device_id.data()), identity.device_id.size()});
  }
}

uint64_t poll(uint64_t now_ms) noexcept {
  const uint64_t due = (now_ms - begin_ms) * kReadingsPerMs;
  constexpr uint32_t kMostBlocks = 4;  // a turn
  for (uint32_t i = 0; i < kMostBlocks && next_reading + kBlock <= due; ++i) {
    const Span<int16_t> block = ring->claim();
    if (block.empty()) break;
    const uint32_t number = next_reading / kReadingsPerWord;
    for (int16_t& value : block) value = reading(next_reading++);
    ring->commit(number < kLabelledWords ? static_cast<uint8_t>(number / (kLabelledWords / kWords)) : kNoLabel);
  }
  const uint64_t behind_ms = (due - next_reading) / kReadingsPerMs;
  constexpr uint64_t kMostBehindMs = 64;
  if (behind_ms > kMostBehindMs) begin_ms += behind_ms - kMostBehindMs;
  return now_ms + kBlock / kReadingsPerMs;
}

}  // namespace skink::firmware::microphone
