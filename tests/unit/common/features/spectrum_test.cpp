/// @file
/// The Fourier transform against one in double, energies, tapers, mel bands; and every refusal.

#include "skink/common/features/spectrum.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

#include "common/features/twiddles.hpp"
#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/features/frames.hpp"
#include "skink/common/features/mel_bands.hpp"

using namespace skink;
using namespace skink::features;

namespace {

constexpr double kPi = 3.14159265358979323846;

std::vector<float> noise(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(n);
  for (float& value : x) value = static_cast<float>(random()) / 2147483648.0F - 1.0F;
  return x;
}

Span<float> span(std::vector<float>& x) { return {x.data(), x.size()}; }

std::vector<std::complex<double>> in_double(const std::vector<float>& x) {
  std::vector<std::complex<double>> result(x.size() / 2 + 1);
  for (std::size_t k = 0; k < result.size(); ++k) {
    for (std::size_t n = 0; n < x.size(); ++n) {
      result[k] += double{x[n]} *
                   std::polar(1.0, -2 * kPi * static_cast<double>(k * n % x.size()) / static_cast<double>(x.size()));
    }
  }
  return result;
}

std::complex<double> bin(const std::vector<float>& packed, std::size_t k) {
  if (k == 0) return packed[0];
  if (k == packed.size() / 2) return packed[1];
  return {packed[2 * k], packed[2 * k + 1]};
}

}  // namespace

TEST_CASE("transform: the table is the project's own cosine and sine", "[common][features]") {
  for (int j = 0; j <= 128; ++j) {
    const float angle = static_cast<float>(j) * 6.1359233e-3F;
    REQUIRE(twiddles::kCosines[j] == arithmetic::cos(angle));
    REQUIRE(twiddles::kSines[j] == arithmetic::sin(angle));
  }
}

TEST_CASE("transform: error below 1e-6 of the spectrum's root mean square", "[common][features]") {
  for (const std::size_t n : {64U, 128U, 256U, 512U, 1024U}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      const std::vector<float> x = noise(n, seed);
      std::vector<float> found = x;
      REQUIRE(real_transform(span(found)) == Status::kOk);
      const auto exact = in_double(x);
      double squares = 0;
      double worst = 0;
      for (std::size_t k = 0; k <= n / 2; ++k) {
        squares += std::norm(exact[k]);
        worst = std::max(worst, std::abs(exact[k] - bin(found, k)));
      }
      REQUIRE(worst < 1e-6 * std::sqrt(squares / (static_cast<double>(n) / 2 + 1)));
    }
  }
}

TEST_CASE("transform: Parseval", "[common][features]") {
  for (const std::size_t n : {64U, 512U, 1024U}) {
    const std::vector<float> x = noise(n, 7);
    std::vector<float> found = x;
    REQUIRE(real_transform(span(found)) == Status::kOk);
    double in_time = 0;
    for (const float value : x) in_time += double{value} * double{value};
    double in_frequency = std::norm(bin(found, 0)) + std::norm(bin(found, n / 2));
    for (std::size_t k = 1; k < n / 2; ++k) in_frequency += 2 * std::norm(bin(found, k));
    CHECK(in_frequency / static_cast<double>(n) == Approx(in_time).epsilon(1e-6));
  }
}

TEST_CASE("transform: an impulse has a flat spectrum, a tone of a bin one line", "[common][features]") {
  std::vector<float> impulse(128, 0.0F);
  impulse[0] = 1;
  REQUIRE(real_transform(span(impulse)) == Status::kOk);
  for (std::size_t k = 0; k <= 64; ++k) CHECK(bin(impulse, k) == std::complex<double>(1, 0));

  std::vector<float> tone(256);
  for (std::size_t n = 0; n < tone.size(); ++n)
    tone[n] = std::cos(static_cast<float>(2 * kPi * 5 * static_cast<double>(n) / 256));
  std::vector<float> scratch(256);
  REQUIRE(power_spectrum(span(tone), {}, span(scratch)) == Status::kOk);
  CHECK(scratch[5] == Approx(64.0F));  // (N/2)^2 / N
  for (std::size_t k = 0; k <= 128; ++k) {
    if (k != 5) CHECK(scratch[k] < 1e-8F);
  }
}

TEST_CASE("transform: lengths that are none are refused, NaN stays visible", "[common][features]") {
  for (const std::size_t n : {0U, 1U, 2U, 32U, 63U, 65U, 96U, 2048U}) {
    std::vector<float> x(n, 3.0F);
    CHECK(real_transform(span(x)) == Status::kShapeMismatch);
    CHECK(std::count(x.begin(), x.end(), 3.0F) == static_cast<std::ptrdiff_t>(n));
  }
  std::vector<float> x(64, 1.0F);
  x[17] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(real_transform(span(x)) == Status::kOk);
  CHECK(std::all_of(x.begin(), x.end(), [](float value) { return std::isnan(value); }));
}

TEST_CASE("power: the largest readings overflow nowhere", "[common][features]") {
  const float largest = std::nextafter(kReadingLimit, 0.0F);
  std::vector<float> x(1024);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 2 == 0 ? largest : -largest;
  std::vector<float> p(1024);
  REQUIRE(power_spectrum(span(x), {}, span(p)) == Status::kOk);
  for (std::size_t k = 0; k <= 512; ++k) CHECK(p[k] < kFeatureLimit);
  CHECK(p[512] > kFeatureLimit / 4);  // the limit is no larger than it must be
  MelBands bands;
  std::vector<float> memory(MelBands::memory_count(1));
  REQUIRE(bands.begin({1, 1024, 16000, 0, 8000}, span(memory)) == Status::kOk);
  std::vector<float> out(1);
  REQUIRE(bands.apply({p.data(), 513}, span(out)) == Status::kOk);
  CHECK(std::isfinite(out[0]));
}

TEST_CASE("power: a constant has none, sizes that do not fit are refused", "[common][features]") {
  std::vector<float> x(100, 9.81F);
  std::vector<float> scratch(128);
  std::vector<float> taper(taper_count(Taper::kHann, 100));
  REQUIRE(make_taper(Taper::kHann, 100, span(taper)) == Status::kOk);
  REQUIRE(power_spectrum(span(x), span(taper), span(scratch)) == Status::kOk);
  for (std::size_t k = 0; k <= 64; ++k) CHECK(scratch[k] < 1e-9F);
  CHECK(power_spectrum({x.data(), 99}, span(taper), span(scratch)) == Status::kShapeMismatch);
  CHECK(power_spectrum({x.data(), 1}, {}, span(scratch)) == Status::kShapeMismatch);
  CHECK(power_spectrum(span(x), {}, {scratch.data(), 64}) == Status::kShapeMismatch);
  CHECK(power_spectrum(span(x), {}, {scratch.data(), 127}) == Status::kShapeMismatch);
}

TEST_CASE("taper: Hann is 0 at its begin and 1 in its middle", "[common][features]") {
  CHECK(taper_count(Taper::kNone, 100) == 0);
  std::vector<float> taper(51);
  REQUIRE(make_taper(Taper::kHann, 100, span(taper)) == Status::kOk);
  CHECK(taper[0] == 0.0F);
  CHECK(taper[50] == Approx(1.0F));
  CHECK(taper[25] == Approx(0.5F));
  CHECK(make_taper(Taper::kHann, 1, {taper.data(), 1}) == Status::kInvalidArgument);
  CHECK(make_taper(Taper::kHann, 1025, {taper.data(), 51}) == Status::kInvalidArgument);
  CHECK(make_taper(static_cast<Taper>(2), 100, span(taper)) == Status::kInvalidArgument);
  CHECK(make_taper(Taper::kHann, 98, span(taper)) == Status::kShapeMismatch);
}

TEST_CASE("mel: a tone is loudest in its band", "[common][features]") {
  constexpr float kRate = 16000;
  std::vector<float> memory(MelBands::memory_count(16));
  MelBands bands;
  REQUIRE(bands.begin({16, 512, kRate, 60, 7600}, span(memory)) == Status::kOk);
  for (const double hertz : {200.0, 500.0, 1000.0, 3000.0, 6000.0}) {
    std::vector<float> x(512);
    for (std::size_t n = 0; n < x.size(); ++n)
      x[n] = static_cast<float>(std::sin(2 * kPi * hertz * static_cast<double>(n) / double{kRate}));
    std::vector<float> taper(taper_count(Taper::kHann, 512));
    REQUIRE(make_taper(Taper::kHann, 512, span(taper)) == Status::kOk);
    std::vector<float> p(512);
    REQUIRE(power_spectrum(span(x), span(taper), span(p)) == Status::kOk);
    std::vector<float> out(16);
    REQUIRE(bands.apply({p.data(), 257}, span(out)) == Status::kOk);
    const auto loudest = std::max_element(out.begin(), out.end()) - out.begin();
    const auto mel = [](double f) { return 2595 * std::log10(1 + f / 700); };
    const double place = (mel(hertz) - mel(60)) / (mel(7600) - mel(60)) * 17 - 1;
    CHECK(std::abs(place - static_cast<double>(loudest)) < 0.75);
  }
}

TEST_CASE("mel: bands that cannot be are refused before anything is computed", "[common][features]") {
  std::vector<float> memory(MelBands::memory_count(64));
  MelBands bands;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const MelSpec wrong[] = {
      {0, 512, 16000, 60, 7600},    {65, 512, 16000, 60, 7600}, {16, 500, 16000, 60, 7600}, {16, 512, 0.5F, 0, 0.2F},
      {16, 512, 2e6F, 60, 7600},    {16, 512, 16000, -1, 7600}, {16, 512, 16000, 60, 60},   {16, 512, 16000, 60, 8001},
      {16, 512, 16000, nan, 7600},  {16, 512, 16000, 60, nan},  {16, 512, nan, 60, 7600},   {64, 64, 16000, 60, 7600},
      {16, 512, 16000, 1000, 1001},
  };
  for (const MelSpec& spec : wrong) CHECK(bands.begin(spec, span(memory)) == Status::kInvalidArgument);
  CHECK(bands.begin({16, 512, 16000, 60, 7600}, {memory.data(), 34}) == Status::kBufferTooSmall);
  std::vector<float> p(257);
  std::vector<float> out(16, 5.0F);
  CHECK(bands.apply(span(p), span(out)) == Status::kShapeMismatch);  // without bands
  CHECK(out[0] == 5.0F);
  REQUIRE(bands.begin({16, 512, 16000, 60, 7600}, span(memory)) == Status::kOk);
  CHECK(bands.apply({p.data(), 256}, span(out)) == Status::kShapeMismatch);
  CHECK(bands.apply(span(p), {out.data(), 15}) == Status::kShapeMismatch);
  REQUIRE(bands.apply(span(p), span(out)) == Status::kOk);
  CHECK(out[3] == arithmetic::log(1e-10F));  // silence
}
