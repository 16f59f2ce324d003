#include "skink/common/features/mel_bands.hpp"

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/features/spectrum.hpp"

namespace skink::features {
namespace {

constexpr float kMelScale = 1127.01048F;
constexpr float kMelCorner = 700.0F;  // Hz
constexpr float kLeastEnergy = 1e-10F;
constexpr float kMostRate = 1048576.0F;  // 2^20

bool is_sound(const MelSpec& spec) noexcept {
  return spec.bands >= 1 && spec.bands <= kMaxBands && is_transform_length(spec.transform) && spec.rate_hz >= 1.0F &&
         spec.rate_hz <= kMostRate && spec.low_hz >= 0.0F && spec.high_hz > spec.low_hz &&
         spec.high_hz <= 0.5F * spec.rate_hz;
}

float mel_of(float hertz) noexcept { return kMelScale * arithmetic::log(1.0F + hertz / kMelCorner); }

/// The least whole number above an edge.
size_t first_bin(float edge) noexcept { return static_cast<size_t>(static_cast<uint32_t>(edge)) + 1; }

}  // namespace

bool MelBands::has_empty_band() const noexcept {
  for (size_t b = 0; b + 1 < slopes_.size(); ++b) {
    const size_t first = first_bin(edges_[b]);
    if (first >= bins_ || static_cast<float>(first) >= edges_[b + 2]) return true;
  }
  return false;
}

Status MelBands::begin(const MelSpec& spec, Span<float> memory) noexcept {
  *this = MelBands();
  if (!is_sound(spec)) return Status::kInvalidArgument;
  if (memory.size() < memory_count(spec.bands)) return Status::kBufferTooSmall;
  MelBands made;
  made.edges_ = memory.first(spec.bands + 2);
  made.slopes_ = memory.subspan(spec.bands + 2, spec.bands + 1);
  made.bins_ = spec.transform / 2 + 1;
  const float low = mel_of(spec.low_hz);
  const float high = mel_of(spec.high_hz);
  const float bins_per_hertz = static_cast<float>(spec.transform) / spec.rate_hz;
  for (uint32_t i = 0; i < spec.bands + 2; ++i) {
    const float mel = low + (high - low) * (static_cast<float>(i) / static_cast<float>(spec.bands + 1));
    const float hertz = kMelCorner * (arithmetic::exp(mel / kMelScale) - 1.0F);
    const float edge = hertz * bins_per_hertz;
    made.edges_[i] = 0.0F > edge ? 0.0F : edge;
  }
  for (uint32_t i = 0; i < spec.bands + 1; ++i) {
    if (!(made.edges_[i + 1] > made.edges_[i])) return Status::kInvalidArgument;
    made.slopes_[i] = 1.0F / (made.edges_[i + 1] - made.edges_[i]);
  }
  if (made.has_empty_band()) return Status::kInvalidArgument;
  *this = made;
  return Status::kOk;
}

float MelBands::energy(Span<const float> power, size_t band) const noexcept {
  const float left = edges_[band];
  const float centre = edges_[band + 1];
  const float right = edges_[band + 2];
  float energy = 0;
  size_t k = first_bin(left);
  for (; k < bins_ && static_cast<float>(k) <= centre; ++k) {
    energy += ((static_cast<float>(k) - left) * slopes_[band]) * power[k];
  }
  for (; k < bins_ && static_cast<float>(k) < right; ++k) {
    energy += ((right - static_cast<float>(k)) * slopes_[band + 1]) * power[k];
  }
  return energy;
}

Status MelBands::apply(Span<const float> power, Span<float> out) const noexcept {
  if (bins_ == 0 || power.size() != bins_ || out.size() + 1 != slopes_.size()) return Status::kShapeMismatch;
  for (size_t band = 0; band < out.size(); ++band) out[band] = arithmetic::log(energy(power, band) + kLeastEnergy);
  return Status::kOk;
}

}  // namespace skink::features
