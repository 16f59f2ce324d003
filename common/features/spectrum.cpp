#include "skink/common/features/spectrum.hpp"

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/features/frames.hpp"
#include "skink/common/features/window_statistics.hpp"
#include "twiddles.hpp"

namespace skink::features {
namespace {

struct Complex {
  float re;
  float im;
};

constexpr uint32_t kTurn = 1024;

/// Cosine and sine of t / 1024 of a turn, t = 0..511.
Complex twiddle(uint32_t t) noexcept {
  using twiddles::kCosines;
  using twiddles::kSines;
  if (t <= 128) return {kCosines[t], kSines[t]};
  if (t <= 256) return {kSines[256 - t], kCosines[256 - t]};
  if (t <= 384) return {0.0F - kSines[t - 256], kCosines[t - 256]};
  return {0.0F - kCosines[512 - t], kSines[512 - t]};
}

/// z * exp(-i angle), the angle by its cosine and sine.
Complex turned(Complex w, Complex z) noexcept { return {w.re * z.re + w.im * z.im, w.re * z.im - w.im * z.re}; }

Complex get(const float* z, size_t index) noexcept { return {z[2 * index], z[2 * index + 1]}; }

void put(float* z, size_t index, Complex value) noexcept {
  z[2 * index] = value.re;
  z[2 * index + 1] = value.im;
}

void reverse_bits(float* z, size_t m) noexcept {
  size_t reversed = 0;
  for (size_t j = 0; j < m; ++j) {
    if (j < reversed) {
      const Complex swapped = get(z, j);
      put(z, j, get(z, reversed));
      put(z, reversed, swapped);
    }
    size_t bit = m >> 1U;  // reversed + 1, counted from the highest bit down
    for (; bit != 0 && (reversed & bit) != 0; bit >>= 1U) reversed ^= bit;
    reversed |= bit;
  }
}

void combine(float* z, size_t first, size_t second, Complex turned_second) noexcept {
  const Complex a = get(z, first);
  put(z, first, {a.re + turned_second.re, a.im + turned_second.im});
  put(z, second, {a.re - turned_second.re, a.im - turned_second.im});
}

/// Butterflies of all groups for one `half`, j by j, so that a twiddle is looked up once.
void butterflies(float* z, size_t m, size_t half) noexcept {
  // Optimization: of j = 0 the cosine is 1 and the sine 0; that is two thirds of the butterflies' products for m = 32.
  for (size_t g = 0; g < m; g += 2 * half) combine(z, g, g + half, get(z, g + half));
  for (size_t j = 1; j < half; ++j) {
    const Complex w = twiddle(static_cast<uint32_t>(j * (kTurn / 2 / half)));
    for (size_t g = j; g < m; g += 2 * half) combine(z, g, g + half, turned(w, get(z, g + half)));
  }
}

/// From the transform of m complex numbers to that of 2 m real ones. `step` is 512 / m.
void untangle(float* z, size_t m, size_t step) noexcept {
  const Complex zero = get(z, 0);
  put(z, 0, {zero.re + zero.im, zero.re - zero.im});
  for (size_t k = 1; k <= m / 2; ++k) {
    const Complex p = get(z, k);
    const Complex q = get(z, m - k);
    const Complex even{0.5F * (p.re + q.re), 0.5F * (p.im - q.im)};
    const Complex odd{0.5F * (p.im + q.im), 0.5F * (q.re - p.re)};
    const Complex t = turned(twiddle(static_cast<uint32_t>(k * step)), odd);
    put(z, m - k, {even.re - t.re, t.im - even.im});
    put(z, k, {even.re + t.re, even.im + t.im});  // last: for k = m / 2 both are one
  }
}

void load(Span<const float> x, Span<const float> taper, Span<float> y) noexcept {
  const float mean = mean_of(x);
  for (size_t n = 0; n < x.size(); ++n) {
    y[n] = x[n] - mean;
    if (!taper.empty()) y[n] = y[n] * taper[n < taper.size() ? n : x.size() - n];
  }
  for (size_t n = x.size(); n < y.size(); ++n) y[n] = 0;
}

}  // namespace

Status real_transform(Span<float> x) noexcept {
  if (!is_transform_length(x.size())) return Status::kShapeMismatch;
  const size_t m = x.size() / 2;
  reverse_bits(x.data(), m);
  for (size_t half = 1; half < m; half *= 2) butterflies(x.data(), m, half);
  untangle(x.data(), m, kTurn / x.size());
  return Status::kOk;
}

size_t taper_count(Taper taper, uint32_t length) noexcept { return taper == Taper::kNone ? 0 : length / 2 + 1; }

Status make_taper(Taper taper, uint32_t length, Span<float> out) noexcept {
  if (taper > Taper::kHann || length < 2 || length > kMaxWindow) return Status::kInvalidArgument;
  if (out.size() != taper_count(taper, length)) return Status::kShapeMismatch;
  const float step = 6.2831853F / static_cast<float>(length);
  for (size_t n = 0; n < out.size(); ++n) out[n] = 0.5F - 0.5F * arithmetic::cos(static_cast<float>(n) * step);
  return Status::kOk;
}

Status power_spectrum(Span<const float> x, Span<const float> taper, Span<float> scratch) noexcept {
  if (x.size() < 2 || x.size() > scratch.size() || !is_transform_length(scratch.size())) return Status::kShapeMismatch;
  if (!taper.empty() && taper.size() != x.size() / 2 + 1) return Status::kShapeMismatch;
  load(x, taper, scratch);
  (void)real_transform(scratch);  // its length was checked
  const size_t m = scratch.size() / 2;
  const float share = 1.0F / static_cast<float>(scratch.size());
  const float last = scratch[1];
  scratch[0] = (scratch[0] * scratch[0]) * share;
  for (size_t k = 1; k < m; ++k) {
    const Complex bin = get(scratch.data(), k);
    scratch[k] = (bin.re * bin.re + bin.im * bin.im) * share;
  }
  scratch[m] = (last * last) * share;
  return Status::kOk;
}

}  // namespace skink::features
