/// @file
/// The blocks of common/features, a line of standard input and one of standard output for each case (features_test.py).
/// Numbers are bits of floats, 8 hexadecimal digits each; of 16-bit readings 4.
///
///   transform X                                     X[0].re, X[N/2].re, X[1].re, X[1].im, ..
///   power TAPER N X                                 P
///   statistics MASK X                               those of the mask
///   mel N RATE LOW HIGH BANDS P                     the bands, or refused
///   standardise F X                                 for each vector: refused, or what becomes of it; then count and
///   state samples TYPE AXES LENGTH HOP SCALES OFFSETS MASK BANDS N TAPER RATE LOW HIGH FRAMES FRAME_HOP READINGS
///                                                   refused readings, then a word for each sample; TYPE is i16 or f32

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "skink/common/features/extractor.hpp"
#include "skink/common/features/standardiser.hpp"

using namespace skink;
using namespace skink::features;

namespace {

using Numbers = std::vector<float>;

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "features_program: %s\n", reason.c_str());
  std::exit(2);
}

void need(Status status, const char* what) {
  if (status != Status::kOk) fail(std::string(what) + ": " + status_text(status));
}

Numbers numbers_of(const std::string& hex) {
  Numbers numbers;
  for (std::size_t i = 0; i + 7 < hex.size(); i += 8) {
    const auto bits = static_cast<std::uint32_t>(std::stoul(hex.substr(i, 8), nullptr, 16));
    numbers.emplace_back();
    std::memcpy(&numbers.back(), &bits, sizeof bits);
  }
  return numbers;
}

std::vector<std::int16_t> integers_of(const std::string& hex) {
  std::vector<std::int16_t> numbers;
  for (std::size_t i = 0; i + 3 < hex.size(); i += 4) {
    numbers.push_back(static_cast<std::int16_t>(std::stoul(hex.substr(i, 4), nullptr, 16)));
  }
  return numbers;
}

/// With a zero that has no sign: the sign of one inside a computation is free (docs/arithmetic.md, section 1).
void print(Span<const float> numbers) {
  for (const float number : numbers) {
    const float canonical = number == 0.0F ? 0.0F : number;
    std::uint32_t bits = 0;
    std::memcpy(&bits, &canonical, sizeof bits);
    std::printf("%08x", bits);
  }
  std::printf(" ");
}

void print(const Numbers& numbers) { print(Span<const float>(numbers.data(), numbers.size())); }

template <class T>
T next(std::istream& words) {
  T value{};
  if (!(words >> value)) fail("a word is missing");
  return value;
}

float next_number(std::istream& words) { return numbers_of(next<std::string>(words)).at(0); }

Taper next_taper(std::istream& words) { return next<std::string>(words) == "hann" ? Taper::kHann : Taper::kNone; }

void power(std::istream& words) {
  const Taper taper = next_taper(words);
  const auto n = next<std::size_t>(words);
  const Numbers x = numbers_of(next<std::string>(words));
  Numbers table(taper_count(taper, static_cast<std::uint32_t>(x.size())));
  need(make_taper(taper, static_cast<std::uint32_t>(x.size()), {table.data(), table.size()}), "taper");
  Numbers scratch(n, -1.0F);
  need(power_spectrum({x.data(), x.size()}, {table.data(), table.size()}, {scratch.data(), n}), "power");
  print(Span<const float>(scratch.data(), n / 2 + 1));
}

void mel(std::istream& words) {
  MelSpec spec;
  spec.transform = next<std::uint32_t>(words);
  spec.rate_hz = next_number(words);
  spec.low_hz = next_number(words);
  spec.high_hz = next_number(words);
  spec.bands = next<std::uint32_t>(words);
  const Numbers p = numbers_of(next<std::string>(words));
  Numbers memory(MelBands::memory_count(spec.bands));
  MelBands bands;
  if (bands.begin(spec, {memory.data(), memory.size()}) != Status::kOk) {
    std::printf("refused ");
    return;
  }
  Numbers out(spec.bands);
  need(bands.apply({p.data(), p.size()}, {out.data(), out.size()}), "mel");
  print(out);
}

void standardise(std::istream& words) {
  const auto size = next<std::size_t>(words);
  Numbers x = numbers_of(next<std::string>(words));
  Numbers memory(Standardiser::memory_count(size));
  Standardiser standardiser;
  need(standardiser.begin(size, {memory.data(), memory.size()}), "standardiser");
  for (std::size_t first = 0; first + size <= x.size(); first += size) {
    const Span<float> vector(x.data() + first, size);
    if (standardiser.add(vector) != Status::kOk || standardiser.standardise(vector) != Status::kOk) {
      std::printf("refused ");
    } else {
      print(vector);
    }
  }
  std::printf("%u ", standardiser.count());
  print(memory);
}

/// What stands between a sensor and a network, on a device as here.
class Pipeline {
 public:
  explicit Pipeline(std::istream& words) {
    frames_.axes = next<std::uint32_t>(words);
    frames_.length = next<std::uint32_t>(words);
    frames_.hop = next<std::uint32_t>(words);
    const Numbers scales = numbers_of(next<std::string>(words));
    const Numbers offsets = numbers_of(next<std::string>(words));
    for (std::uint32_t a = 0; a < frames_.axes; ++a) {
      frames_.scale[a] = scales.at(a);
      frames_.offset[a] = offsets.at(a);
    }
    features_.statistics = static_cast<std::uint8_t>(next<unsigned>(words));
    features_.mel.bands = next<std::uint32_t>(words);
    features_.mel.transform = next<std::uint32_t>(words);
    features_.taper = next_taper(words);
    features_.mel.rate_hz = next_number(words);
    features_.mel.low_hz = next_number(words);
    features_.mel.high_hz = next_number(words);
    const auto count = next<std::uint32_t>(words);
    const auto hop = next<std::uint32_t>(words);
    window_.resize(Framer::memory_count(frames_));
    scratch_.resize(Extractor::memory_count(frames_, features_));
    const std::size_t width = Extractor::feature_count(frames_, features_);
    sample_.resize(FrameStack::memory_count(count, width));
    need(framer_.begin(frames_, {window_.data(), window_.size()}), "framer");
    need(extractor_.begin(frames_, features_, {scratch_.data(), scratch_.size()}), "extractor");
    need(stack_.begin(count, hop, width, {sample_.data(), sample_.size()}), "stack");
  }

  template <class T>
  void run(const std::vector<T>& readings) {
    for (std::size_t first = 0; first + frames_.axes <= readings.size(); first += frames_.axes) {
      bool is_complete = false;
      (void)framer_.add(Span<const T>(readings.data() + first, frames_.axes), is_complete);  // refused() counts
      if (!is_complete) continue;
      need(extractor_.compute(framer_, stack_.next(framer_.is_first())), "compute");
      if (stack_.push()) print(stack_.sample());
    }
    std::printf("%u ", framer_.refused());
  }

 private:
  FrameSpec frames_;
  FeatureSpec features_;
  Numbers window_;
  Numbers scratch_;
  Numbers sample_;
  Framer framer_;
  Extractor extractor_;
  FrameStack stack_;
};

void answer(std::istream& words) {
  const auto kind = next<std::string>(words);
  if (kind == "transform") {
    Numbers x = numbers_of(next<std::string>(words));
    need(real_transform({x.data(), x.size()}), "transform");
    print(x);
  } else if (kind == "power") {
    power(words);
  } else if (kind == "statistics") {
    const auto mask = static_cast<std::uint8_t>(next<unsigned>(words));
    const Numbers x = numbers_of(next<std::string>(words));
    Numbers out(statistic_count(mask));
    need(statistics({x.data(), x.size()}, mask, {out.data(), out.size()}), "statistics");
    print(out);
  } else if (kind == "mel") {
    mel(words);
  } else if (kind == "standardise") {
    standardise(words);
  } else if (kind == "samples") {
    const auto type = next<std::string>(words);
    Pipeline pipeline(words);
    const auto readings = next<std::string>(words);
    if (type == "i16") {
      pipeline.run(integers_of(readings));
    } else {
      pipeline.run(numbers_of(readings));
    }
  } else {
    fail("no case: " + kind);
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    answer(words);
    std::printf("\n");
  }
  return 0;
}
