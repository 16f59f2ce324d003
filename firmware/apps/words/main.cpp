/// @file
/// A device that is taught words: hold a button, say the word five times, the same for the other two, and it adapts the
/// model that it was made with and recognises them from then on, without a network. docs/porting.md, "Words by a
/// button". apps/client/main.cpp does the rest.
///
///   blocks of readings -> windows -> level -> where a word begins -> mel bands -> sample -> adapt, predict

#include "microphone.hpp"
#include "skink/common/features/extractor.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/samples/labelled_vectors.hpp"
#include "skink/firmware/samples/reading_ring.hpp"

namespace skink::firmware {
namespace {

// experiments/words.toml says the same.
constexpr uint32_t kWords = 3;
constexpr uint32_t kTimes = 5;     ///< that a word is said; the last is held back to judge by
constexpr uint32_t kWindow = 256;  ///< 32 ms
constexpr uint32_t kHop = 128;     ///< 16 ms
constexpr uint32_t kBands = 10;
constexpr uint32_t kWindows = 20;  ///< of a word
constexpr uint32_t kInputs = kWindows * kBands;
constexpr uint32_t kPause = 3;       ///< windows of silence between words
constexpr float kThreshold = 0.05F;  ///< root mean square, full scale is 1
constexpr edge::AdaptSettings kAdapt{0.02F, 20, 1};
constexpr const char* kNames[kWords] = {"rise", "fall", "knock"};
constexpr uint32_t kBlocks = 32;  ///< 256 ms: longer than a step of work

constexpr LabelledVectorsSpec kSamples{kWords, kTimes - 1, 1, kInputs};
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
LabelledVectors vectors;
float vectors_memory[LabelledVectors::memory_count(kSamples)];
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

void learn() noexcept {
  if (vectors.add(word_label, stack.sample()) != Status::kOk) return;  // no button's label
  print("word: {}, {} of {}", kNames[word_label], vectors.count(word_label), kTimes);
  if (vectors.is_complete()) lesson = Lesson::kReady;
}

/// A whole word. What adapts reads the samples again and again, and has the arena: words are dropped meanwhile.
void take_word(Device& device) noexcept {
  if (device.has_work()) return;
  if (lesson == Lesson::kTeaching && word_label != kNoLabel) {
    learn();
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
  if (lesson == Lesson::kReady && !device.has_work() && device.adapt_now(kAdapt) == Status::kOk) {
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
  Status status = ring.begin(ring_memory, microphone::kBlock, ring_notes);
  if (status == Status::kOk) status = begin_features();
  if (status == Status::kOk) status = vectors.begin(kSamples, vectors_memory);
  print("words: {}; {} of them, {} times each, with the button held", status_text(status), kWords, kTimes);
  microphone::start(ring);
  return vectors.source();
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
