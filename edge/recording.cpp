#include "skink/edge/recording.hpp"

#include "skink/common/arithmetic/real.hpp"
#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::edge {
namespace {

using recording::kAnyRound;
using recording::kHeaderBytes;
using recording::kMaxInputs;
using recording::kMaxSamples;
using recording::kMaxTargets;
using recording::kTaskBytes;

constexpr size_t kChecked = 12;

}  // namespace

Status Recording::open(Bytes memory) noexcept {
  tasks_ = 0;
  if (memory.size() < kHeaderBytes) return Status::kTruncated;
  const uint8_t* header = memory.data();
  const uint32_t magic = load_u32(header);
  if (magic == 0xffffffffU || magic == 0) return Status::kUnavailable;
  if (magic != recording::kMagic) return Status::kDamaged;
  const uint32_t bytes = load_u32(header + 4);
  const uint32_t tasks = load_u32(header + 12);
  const uint32_t inputs = load_u32(header + 16);
  const uint32_t input_bytes = load_u32(header + 20);
  const uint32_t targets = load_u32(header + 24);
  if (bytes > memory.size()) return Status::kTruncated;
  if (bytes < kHeaderBytes || load_u32(header + 8) != crc32(memory.subspan(kChecked, bytes - kChecked))) {
    return Status::kDamaged;
  }
  if ((input_bytes != 1 && input_bytes != 4) || inputs == 0 || inputs > kMaxInputs) return Status::kUnsupported;
  if (tasks > (bytes - kHeaderBytes) / kTaskBytes) return Status::kDamaged;
  if (targets == 0 || targets > kMaxTargets) return Status::kUnsupported;
  memory_ = memory.first(bytes);
  inputs_ = inputs;
  targets_ = targets;
  input_bytes_ = input_bytes;
  for (uint32_t i = 0; i < tasks; ++i) {
    const uint8_t* entry = header + kHeaderBytes + i * kTaskBytes;
    const uint32_t support = load_u32(entry + 12);
    const uint32_t query = load_u32(entry + 16);
    const uint32_t offset = load_u32(entry + 20);
    if (support > kMaxSamples || query > kMaxSamples || offset > bytes) return Status::kDamaged;
    if (uint64_t{support + query} * sample_bytes() > bytes - offset) return Status::kDamaged;
  }
  tasks_ = tasks;
  return Status::kOk;
}

SampleSource Recording::source() noexcept {
  SampleSource source;
  source.context = this;
  source.begin = &begin;
  source.input = &input;
  source.target = &target;
  return source;
}

/// Binary search in the sorted list of tasks.
bool Recording::find(uint32_t kind, uint32_t round, uint32_t number, Entry& entry) const noexcept {
  uint32_t low = 0;
  uint32_t high = tasks_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const uint8_t* task = memory_.data() + kHeaderBytes + size_t{middle} * kTaskBytes;
    const uint32_t there[3] = {load_u32(task), load_u32(task + 4), load_u32(task + 8)};
    const uint32_t wanted[3] = {kind, round, number};
    int order = 0;
    for (int i = 0; i < 3 && order == 0; ++i) order = there[i] < wanted[i] ? -1 : there[i] > wanted[i] ? 1 : 0;
    if (order == 0) {
      entry.counts = {load_u32(task + 12), load_u32(task + 16)};
      entry.offset = load_u32(task + 20);
      return true;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

const uint8_t* Recording::sample(SampleSet set, uint32_t index) const noexcept {
  const size_t place = (set == SampleSet::kQuery ? current_.counts.support : 0) + size_t{index};
  return memory_.data() + current_.offset + place * sample_bytes();
}

Status Recording::begin(void* context, const TaskRequest& request, SampleCounts& counts) {
  auto& self = *static_cast<Recording*>(context);
  const uint32_t kind = request.is_evaluation ? 1 : 0;
  Entry entry;
  if (!self.find(kind, request.round, request.number, entry) && !self.find(kind, kAnyRound, request.number, entry)) {
    return Status::kUnavailable;
  }
  self.current_ = entry;
  counts = entry.counts;
  return Status::kOk;
}

Status Recording::input(void* context, SampleSet set, uint32_t index, Span<float> stored) {
  const auto& self = *static_cast<const Recording*>(context);
  if (stored.size() != self.inputs_) return Status::kShapeMismatch;
  const uint8_t* from = self.sample(set, index);
  for (size_t i = 0; i < stored.size(); ++i) {
    stored[i] = self.input_bytes_ == 1 ? static_cast<float>(from[i]) : load_float(from + 4 * i);
  }
  return Status::kOk;
}

float Recording::target(void* context, SampleSet set, uint32_t index, uint32_t output) {
  const auto& self = *static_cast<const Recording*>(context);
  if (output >= self.targets_) return arithmetic::RealTraits<float>::from_bits(0x7fc00000U);
  const size_t after = 4 * (size_t{self.targets_} - output);
  return load_float(self.sample(set, index) + self.sample_bytes() - after);
}

}  // namespace skink::edge
