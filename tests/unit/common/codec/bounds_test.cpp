/// @file
/// What comes back is within the quantizer's bound, whatever the change looks like.

#include "skink/common/arithmetic/real.hpp"
#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;
using codec::Codec;
using codec::Quantizer;

namespace {

constexpr double kScaleRounding = 1.0 + 1.0 / 256;  // scales have nine significant bits
constexpr double kSlack = 1.00001;
constexpr double kSmallestNormal = 1.17549435e-38;

double largest_of(const Numbers& x, std::size_t first, std::size_t count) {
  double largest = 0;
  for (std::size_t i = first; i < first + count; ++i) largest = std::max(largest, std::fabs(as_double(x[i])));
  return largest;
}

double levels_of(const Codec& codec) {
  return codec.quantizer == Quantizer::kInt8 ? 127 : codec.quantizer == Quantizer::kInt4 ? 7 : 1;
}

/// The largest error of a number whose group has this largest number.
double step_of(const Codec& codec, double largest) {
  if (largest / levels_of(codec) < kSmallestNormal) return largest;  // the scale would be subnormal: zeros are sent
  return largest / levels_of(codec) * kScaleRounding * kSlack *
             (codec.rounding == codec::Rounding::kNearest ? 0.5 : 1.0) +
         kSmallestNormal;
}

std::vector<std::size_t> group_sizes(const Codec& codec, const nn::Network& network) {
  std::vector<std::size_t> sizes;
  if (codec.selects()) return {network.trainable_count()};
  if (codec.grouping == codec::Grouping::kTensor) {
    for (const nn::Tensor& tensor : network.tensors()) {
      if (tensor.trainable) sizes.push_back(tensor.count);
    }
    return sizes;
  }
  for (std::size_t left = network.trainable_count(); left > 0; left -= sizes.back()) {
    sizes.push_back(std::min<std::size_t>(left, 256));
  }
  return sizes;
}

void check_levels(const Codec& codec, const nn::Network& network, const Numbers& x, const Numbers& y) {
  std::size_t first = 0;
  for (const std::size_t count : group_sizes(codec, network)) {
    const double bound = step_of(codec, largest_of(x, first, count));
    for (std::size_t i = first; i < first + count; ++i) {
      if (!(std::fabs(as_double(y[i]) - as_double(x[i])) <= bound)) {
        FAIL("number " << i << ": " << x[i] << " became " << y[i] << ", bound " << bound);
      }
      if (x[i] == 0.0F && y[i] != 0.0F) FAIL("number " << i << ": 0 became " << y[i]);
    }
    first += count;
  }
}

/// |y - x|^2 <= factor * |x|^2 in each group, but for numbers near 2^-126 that count as 0.
void check_energy(const Codec& codec, const nn::Network& network, const Numbers& x, const Numbers& y, double factor) {
  std::size_t first = 0;
  for (const std::size_t count : group_sizes(codec, network)) {
    const double unit = std::max(largest_of(x, first, count), 1e-30);
    double error = 0;
    double energy = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      error += squared((as_double(y[i]) - as_double(x[i])) / unit);
      energy += squared(as_double(x[i]) / unit);
    }
    if (!(error <= factor * energy + 1e-9)) FAIL("group at " << first << ": " << error << " of " << energy);
    first += count;
  }
}

/// Survivors within their step, the others no larger than a survivor, and as many as there should be.
void check_selected(const Codec& codec, const nn::Network& network, const Numbers& x, const Numbers& y) {
  const double largest = largest_of(x, 0, x.size());
  double kept = largest;  // smallest survivor that shows
  double left = 0;
  std::size_t survivors = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (y[i] == 0.0F) {
      left = std::max(left, std::fabs(as_double(x[i])));
      continue;
    }
    ++survivors;
    kept = std::min(kept, std::fabs(as_double(x[i])));
    const double error = std::fabs(as_double(y[i]) - as_double(x[i]));
    if (codec.quantizer == Quantizer::kFloat32) REQUIRE(error == 0.0);
    if (codec.quantizer == Quantizer::kInt8 || codec.quantizer == Quantizer::kInt4) {
      if (!(error <= step_of(codec, largest))) FAIL("number " << i << ": " << x[i] << " became " << y[i]);
    }
    if (std::signbit(x[i]) != std::signbit(y[i])) FAIL("number " << i << ": " << x[i] << " became " << y[i]);
  }
  REQUIRE(survivors <= codec::survivor_count(codec, x.size()));
  const bool shows_all = codec.quantizer == Quantizer::kFloat32 || codec.quantizer == Quantizer::kTernary;
  const double rest = shows_all ? 0.0 : step_of(codec, largest);  // a level of 0
  if (survivors > 0 && largest > 1e-30) REQUIRE(left <= kept * kScaleRounding + rest + kSmallestNormal);
  check_energy(codec, network, x, y, codec.quantizer == Quantizer::kInt4 ? 1.2 : 1.0001);
}

void check(const Codec& codec, const nn::Network& network, const Numbers& x, const Numbers& y) {
  if (codec.selects()) return check_selected(codec, network, x, y);
  switch (codec.quantizer) {
    case Quantizer::kFloat32: REQUIRE(x == y); return;
    case Quantizer::kSign: return check_energy(codec, network, x, y, 1.0001);
    // The bound of Cauchy and Schwarz; how large the error is as a rule, eden_test.cpp measures.
    case Quantizer::kEden: return check_energy(codec, network, x, y, codec.error_feedback ? 1.001 : 256.0);
    default: return check_levels(codec, network, x, y);
  }
}

}  // namespace

TEST_CASE("codec: ten thousand changes come back within the quantizer's bound", "[common][codec][property]") {
  NetLottery lottery(11);
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const NetSpec spec = i % 20 == 0 ? lottery.draw()
                         : i % 20 == 1
                             ? NetSpec{{1, 1, 30}, {dense(12), relu(), dense(5)}, nn::Loss::kSoftmaxCrossEntropy}
                             : NetSpec{{1, 1, 3},
                                       {dense(4, i % 3 == 0 ? Train::kWeights : Train::kAll), relu(),
                                        dense(2, i % 2 == 0 ? Train::kAll : Train::kBias)},
                                       nn::Loss::kMeanSquaredError};
    const nn::Network network = build(spec);
    const std::uint32_t kind = i % kAnnoyances;
    const Numbers change = annoying_change(network.parameter_count(), kind, lottery);
    const Numbers x = travelling(network, change);
    const Numbers zero(network.parameter_count(), 0.0F);
    const codec::Key key{lottery.below(1000), lottery.below(1000), lottery.below(1000)};
    for (const std::string& name : codec_names()) {
      CAPTURE(i, kind, name, describe(spec));
      const Codec codec = codec_of(name);
      Encoding encoding(network, zero, change, codec, key);
      REQUIRE(encoding.status == Status::kOk);
      const Buffer bytes = encoding.all();
      REQUIRE(bytes.size() <= codec::encoded_bytes(codec, network));
      if (codec::has_fixed_length(codec)) REQUIRE(bytes.size() == codec::encoded_bytes(codec, network));
      Numbers decoded;
      REQUIRE(decode(codec, network, key, bytes, decoded) == Status::kOk);
      for (const nn::Tensor& tensor : network.tensors()) {
        for (std::size_t e = tensor.offset; !tensor.trainable && e < tensor.offset + tensor.count; ++e) {
          REQUIRE(decoded[e] == 0.0F);
        }
      }
      const Numbers y = travelling(network, decoded);
      check(codec, network, x, y);

      // What is left is what did not arrive, to the bit.
      Numbers left(x.size(), -1.0F);
      REQUIRE(encoding.encoder.leave({left.data(), left.size()}) == Status::kOk);
      for (std::size_t e = 0; e < x.size(); ++e) {
        const float expected = x[e] - y[e];
        if (left[e] != expected) FAIL("left of " << x[e] << " - " << y[e] << " is " << left[e]);
      }
    }
  }
}

TEST_CASE("codec: no selection needs more memory than was planned", "[common][codec][property]") {
  // Every number of survivors, evenly spread, at the end, at the beginning: the bound holds, and Rice or bitmap fits.
  for (const std::uint16_t size : std::initializer_list<std::uint16_t>{1, 2, 3, 7, 64, 255, 300}) {
    const nn::Network network = flat_network(size);
    for (const char* fraction : {"0.01", "0.1", "0.3", "0.5", "1"}) {
      for (const char* rest : {"+ternary", "+ternary+range", "+float32", "+int4+range"}) {
        const Codec codec = codec_of(std::string("topk:") + fraction + rest);
        const std::uint32_t most = codec::survivor_count(codec, size);
        for (std::uint32_t count = 0; count <= most; ++count) {
          for (int shape = 0; shape < 3; ++shape) {
            Numbers change(network.parameter_count(), 0.0F);
            for (std::uint32_t i = 0; i < count; ++i) {
              const std::size_t place = shape == 0 ? i * size / count : shape == 1 ? size - 1 - i : i;
              change[place] = i % 2 == 0 ? 1.0F : -1.0F;
            }
            Encoding encoding(network, Numbers(change.size(), 0.0F), change, codec);
            REQUIRE(encoding.status == Status::kOk);
            CAPTURE(size, fraction, rest, count, shape);
            REQUIRE(encoding.encoder.size() <= codec::encoded_bytes(codec, network));
            Numbers decoded;
            REQUIRE(decode(codec, network, {}, encoding.all(), decoded) == Status::kOk);
            for (std::size_t e = 0; e < change.size(); ++e) {
              if (rest != std::string("+int4+range")) REQUIRE(decoded[e] == change[e]);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("codec: stochastic levels are without bias", "[common][codec]") {
  const nn::Network network = build({{1, 1, 4}, {dense(2)}, nn::Loss::kMeanSquaredError});
  const std::string name = GENERATE("int8", "int4", "ternary", "int8:block", "topk:1+int8", "topk:1+int4+range");
  const Codec codec = codec_of(name);
  const auto unit = static_cast<float>(levels_of(codec));
  const Numbers change = {unit, 0.25F, -0.25F, unit / 2, -unit + 0.25F, 1e-3F, -unit / 3.0F, -0.75F, unit, 0.001F};
  const Numbers zero(change.size(), 0.0F);
  constexpr int kKeys = 4000;
  std::vector<double> sums(change.size(), 0.0);
  for (int i = 0; i < kKeys; ++i) {
    const codec::Key key{77, static_cast<std::uint32_t>(i), 5};
    Encoding encoding(network, zero, change, codec, key);
    Numbers decoded;
    REQUIRE(decode(codec, network, key, encoding.all(), decoded) == Status::kOk);
    for (std::size_t e = 0; e < change.size(); ++e) sums[e] += as_double(decoded[e]);
  }
  for (std::size_t e = 0; e < change.size(); ++e) {
    CAPTURE(name, e);
    CHECK(std::fabs(sums[e] / kKeys - as_double(change[e])) < 5 * 0.5 / std::sqrt(kKeys));  // a coin's deviation
  }
}

TEST_CASE("codec: random bits depend on every part of the key, and on nothing else", "[common][codec]") {
  const nn::Network network = build({{1, 1, 8}, {dense(8)}, nn::Loss::kMeanSquaredError});
  const Codec codec = codec_of(GENERATE("int8", "eden:1", "ternary+range", "topk:0.5+int4"));
  NetLottery lottery(1);
  const Numbers zero(network.parameter_count(), 0.0F);
  const Numbers change = annoying_change(zero.size(), 8, lottery);
  const auto bytes_of = [&](codec::Key key) {
    Encoding encoding(network, zero, change, codec, key);
    return encoding.all();
  };
  const Buffer reference = bytes_of({1, 2, 3});
  CHECK(bytes_of({1, 2, 3}) == reference);
  CHECK(bytes_of({2, 2, 3}) != reference);
  CHECK(bytes_of({1, 3, 3}) != reference);
  CHECK(bytes_of({1, 2, 4}) != reference);
}
