/// @file
/// A device that is taught words: hold a button, say the word five times, the same for the other two, and it adapts the
/// model that it was made with and recognises them from then on, without a network. docs/porting.md, "Words by a
/// button". apps/client/main.cpp does the rest.
///
///   blocks of readings -> windows -> level -> where a word begins -> mel bands -> sample -> adapt, predict
///
/// The words that it was shown and what it learned from them are in flash: a reset loses neither.

#include "microphone.hpp"
#include "skink/common/features/extractor.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/sample_flash.hpp"
#include "skink/firmware/samples/onset_gate.hpp"
#include "skink/firmware/samples/reading_ring.hpp"

namespace skink::firmware {
namespace {

// experiments/words.toml says the same.
constexpr uint32_t kWords = 3;
constexpr uint32_t kTimes = 5;     ///< that a word is said; the second is held back to judge by
constexpr uint32_t kWindow = 256;  ///< 32 ms
constexpr uint32_t kHop = 128;     ///< 16 ms
constexpr uint32_t kBands = 10;
constexpr uint32_t kWindows = 20;  ///< of a word
constexpr uint32_t kInputs = kWindows * kBands;
constexpr uint32_t kPause = 3;       ///< windows of silence between words
constexpr float kThreshold = 0.05F;  ///< root mean square, full scale is 1
constexpr const char* kNames[kWords] = {"rise", "fall", "knock"};
constexpr uint32_t kBlocks = 32;  ///< 256 ms: longer than a step of work

constexpr size_t kScratch = kWindow + (kWindow / 2 + 1) + features::MelBands::memory_count(kBands);

BlockRing ring;
int16_t ring_memory[kBlocks * microphone::kBlock];
uint8_t ring_notes[kBlocks];
features::Framer framer;
float window_memory[kWindow];
features::Extractor extractor;
float scratch[kScratch];
features::FrameStack stack;
float word_memory[kInputs];
OnsetGate gate(kThreshold, kWindows, kPause);
SampleFlash shown;
StoredSample shown_memory[kWords * kTimes];
uint8_t word_label = kNoLabel;  ///< of the button when the word began

enum class Lesson : uint8_t { kTeaching, kReady, kAdapting, kOver };
Lesson lesson = Lesson::kTeaching;

Status begin_features() noexcept {
  features::FrameSpec frames;
  frames.length = kWindow;
  frames.hop = kHop;
  frames.scale[0] = 1.0F / 32768;
  features::FeatureSpec spec;
  spec.mel = {kBands, kWindow, static_cast<float>(microphone::kRateHz), 100, 3800};
  Status status = framer.begin(frames, window_memory);
  if (status == Status::kOk) status = extractor.begin(frames, spec, scratch);
  if (status == Status::kOk) status = stack.begin(kWindows, kWindows, kBands, word_memory);
  return status;
}

void recognise(Device& device) noexcept {
  float outputs[kWords];
  const Status status = device.predict(stack.sample(), outputs);
  if (status == Status::kOk) {
    print("heard: {}, {} weights", kNames[nn::argmax(outputs)],
          device.client().weights() == edge::Weights::kAdapted ? "adapted" : "received");
  } else {
    print("heard something: {}", status_text(status));
  }
}

bool is_complete() noexcept {
  for (uint32_t word = 0; word < kWords; ++word) {
    if (shown.count_of(word) < kTimes) return false;
  }
  return true;
}

void learn(Device& device) noexcept {
  const auto label = static_cast<float>(word_label);
  const Status status = device.add_sample(shown, stack.sample(), {&label, 1});
  if (status != Status::kOk) {
    print("word: not kept: {}", status_text(status));
    return;
  }
  print("word: {}, {} of {}", kNames[word_label], shown.count_of(word_label), kTimes);
  if (is_complete()) lesson = Lesson::kReady;
}

/// A whole word. What adapts reads the samples again and again, and has the arena: words are dropped meanwhile.
void take_word(Device& device) noexcept {
  if (device.has_work()) return;
  if (lesson == Lesson::kTeaching && word_label < kWords) {
    learn(device);
  } else {
    recognise(device);
  }
}

void take_window(Device& device, uint8_t label) noexcept {
  if (framer.is_first()) gate.reset();
  float level = 0;
  if (features::statistics(framer.axis(0), features::kRms, {&level, 1}) != Status::kOk) return;
  const OnsetGate::Window window = gate.add(level);
  if (window == OnsetGate::Window::kQuiet) return;  // no transform for silence
  if (window == OnsetGate::Window::kBegins) word_label = label;
  const Span<float> place = stack.next(window == OnsetGate::Window::kBegins);
  if (extractor.compute(framer, place) == Status::kOk && stack.push()) take_word(device);
}

/// After five times each word: adapts, when the device has a model and nothing else to do.
void go_on(Device& device) noexcept {
  if (lesson == Lesson::kReady && device.client().own_use() == wire::ReleaseUse::kAdapted) {
    print("adapted before the reset");
    lesson = Lesson::kOver;
  } else if (lesson == Lesson::kReady && !device.has_work() && device.adapt_now() == Status::kOk) {
    print("adapting to {} words", kWords * kTimes);
    lesson = Lesson::kAdapting;
  } else if (lesson == Lesson::kAdapting && !device.has_work()) {
    lesson = Lesson::kOver;
    const bool is_better = device.client().own_use() == wire::ReleaseUse::kAdapted;
    print("adapted: {}", is_better ? "the words held back say it is better" : "no better, the model stays as it came");
  }
}

}  // namespace

edge::SampleSource samples() noexcept {
  SampleShape shape;
  shape.inputs = kInputs;
  shape.classes = kWords;
  shape.per_class = kTimes;
  const OwnStorage place = own_storage();
  Status status = ring.begin(ring_memory, microphone::kBlock, ring_notes);
  if (status == Status::kOk) status = begin_features();
  if (status == Status::kOk) status = shown.open(*place.flash, place.first_sector, place.sectors, shape, shown_memory);
  print("words: {}; {} of them, {} times each, with the button held", status_text(status), kWords, kTimes);
  if (is_complete()) lesson = Lesson::kReady;
  microphone::start(ring);
  return shown.samples();
}

uint64_t turn(Device& device, uint64_t now_ms) noexcept {
  const uint64_t wake_ms = microphone::poll(now_ms);
  Block block;
  for (uint32_t i = 0; i < kBlocks && ring.front(block); ++i) {
    if (block.after_gap) framer.note_gap();
    for (const int16_t value : block.readings) {
      bool is_complete = false;
      if (framer.add(Span<const int16_t>(&value, 1), is_complete) == Status::kOk && is_complete) {
        take_window(device, block.label);
      }
    }
    ring.release();
  }
  go_on(device);
  return wake_ms;
}

}  // namespace skink::firmware
