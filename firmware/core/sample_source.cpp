/// @file
/// SampleFlash as a client reads it.

#include "sample_record.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::firmware {

const StoredSample& SampleFlash::sample_at(edge::SampleSet set, uint32_t index) const noexcept {
  const bool is_query = set == edge::SampleSet::kQuery;
  uint32_t at = 0;
  for (;; ++at) {
    const bool is_held_back = (memory_[at].label & sample::kHeldBack) != 0;
    if (is_held_back == is_query && index-- == 0) return memory_[at];
  }
}

Status SampleFlash::read_input(const StoredSample& sample, Span<float> out) const noexcept {
  if (out.size() != shape_.inputs) return Status::kShapeMismatch;
  const auto size = static_cast<uint32_t>(shape_.number);
  const uint32_t targets = shape_.classes == 0 ? 4 * shape_.targets : 0;
  const uint32_t address = record_address(sample.place) + sample::kRecordHead + targets;
  uint8_t piece[sample::kPieceBytes];
  for (uint32_t i = 0; i < shape_.inputs;) {
    const uint32_t left = shape_.inputs - i;
    const uint32_t count = left < sample::kPieceBytes / size ? left : sample::kPieceBytes / size;
    const Status status = flash_->read(address + i * size, {piece, count * size});
    if (status != Status::kOk) return status;
    for (uint32_t k = 0; k < count; ++k, ++i) out[i] = sample::decode(shape_.number, piece + k * size);
  }
  return Status::kOk;
}

float SampleFlash::target_of(const StoredSample& sample, uint32_t output) const noexcept {
  if (shape_.classes != 0) return static_cast<float>(sample::class_of(sample));
  uint8_t bytes[sizeof(float)];
  const uint32_t address = record_address(sample.place) + sample::kRecordHead + 4 * output;
  const bool is_read = output < shape_.targets && flash_->read(address, bytes) == Status::kOk;
  return is_read ? load_float(bytes) : arithmetic::RealTraits<float>::from_bits(0x7fc00000);  // refused by the client
}

edge::SampleSource SampleFlash::samples() noexcept {
  edge::SampleSource source;
  source.context = this;
  source.begin = [](void* context, const edge::TaskRequest& /*request*/, edge::SampleCounts& counts) noexcept {
    const auto& it = *static_cast<const SampleFlash*>(context);
    counts = {};
    for (uint32_t i = 0; i < it.count_; ++i) {
      ++((it.memory_[i].label & sample::kHeldBack) != 0 ? counts.query : counts.support);
    }
    return counts.support == 0 ? Status::kUnavailable : Status::kOk;
  };
  source.input = [](void* context, edge::SampleSet set, uint32_t index, Span<float> stored) noexcept {
    const auto& it = *static_cast<const SampleFlash*>(context);
    return it.read_input(it.sample_at(set, index), stored);
  };
  source.target = [](void* context, edge::SampleSet set, uint32_t index, uint32_t output) noexcept {
    const auto& it = *static_cast<const SampleFlash*>(context);
    return it.target_of(it.sample_at(set, index), output);
  };
  source.count = [](void* context, MutableBytes of_class, uint32_t& classes) noexcept {
    const auto& it = *static_cast<const SampleFlash*>(context);
    classes = it.shape_.classes < of_class.size() ? it.shape_.classes : static_cast<uint32_t>(of_class.size());
    for (uint32_t label = 0; label < classes; ++label) {
      const uint32_t count = it.count_of(label);
      of_class[label] = static_cast<uint8_t>(count < 255 ? count : 255);
    }
    return it.count_;
  };
  return source;
}

}  // namespace skink::firmware
