#pragma once
/// @file
/// An encoder with all that it borrows, and changes meant to annoy it.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "skink/common/codec/decoder.hpp"
#include "skink/common/codec/encoder.hpp"
#include "unit/common/nn/nets.hpp"

namespace skink::test {

using Numbers = std::vector<float>;
using Buffer = std::vector<std::uint8_t>;

/// All families and all options.
inline const std::vector<std::string>& codec_names() {
  static const std::vector<std::string> names = {"float32",
                                                 "int8",
                                                 "int8:block:nearest",
                                                 "int8:block+range",
                                                 "int4",
                                                 "int4:nearest+range+ef",
                                                 "int4:block+ef",
                                                 "ternary",
                                                 "ternary:block:nearest+range",
                                                 "sign",
                                                 "sign:block+ef",
                                                 "eden:1",
                                                 "eden:2",
                                                 "eden:3+ef",
                                                 "eden:4",
                                                 "topk:0.01+ternary",
                                                 "topk:0.1+ternary+range+ef",
                                                 "topk:0.5+ternary",
                                                 "topk:0.25+int8",
                                                 "topk:0.05+int4:nearest+range+ef",
                                                 "topk:1+float32",
                                                 "topk:0.03+float32+ef"};
  return names;
}

inline codec::Codec codec_of(const std::string& name) {
  codec::Codec codec;
  codec::NameError error;
  if (!codec::parse(name.c_str(), codec, error)) throw std::logic_error(name + ": " + error.reason);
  return codec;
}

inline Status read_numbers(void* context, std::size_t first, Span<float> out) {
  const auto& numbers = *static_cast<const Numbers*>(context);
  std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  return Status::kOk;
}

struct Encoding {
  Encoding(const nn::Network& net, Numbers from, Numbers to, const codec::Codec& named, const codec::Key& key = {},
           Numbers left = {}, const float* in_place = nullptr)
      : network(net), phi(std::move(from)), parameters(std::move(to)), residual(std::move(left)) {
    codec::Change change;
    change.network = &network;
    change.phi = {&phi, in_place == nullptr ? &read_numbers : nullptr, in_place};
    change.parameters = {parameters.data(), parameters.size()};
    if (!residual.empty()) change.residual = residual.data();
    state.resize(codec::state_bytes(named, network) / 4);
    status = encoder.begin(named, change, key, {reinterpret_cast<std::uint8_t*>(state.data()), 4 * state.size()});
  }
  Encoding(const Encoding&) = delete;
  Encoding& operator=(const Encoding&) = delete;

  Buffer all() {
    Buffer bytes(encoder.size());
    REQUIRE(encoder.read(0, {bytes.data(), bytes.size()}) == Status::kOk);
    return bytes;
  }

  const nn::Network& network;
  Numbers phi;
  Numbers parameters;
  Numbers residual;
  std::vector<std::uint32_t> state;
  codec::Encoder encoder;
  Status status = Status::kOk;
};

inline Status decode(const codec::Codec& codec, const nn::Network& network, const codec::Key& key, const Buffer& bytes,
                     Numbers& change) {
  change.assign(network.parameter_count(), -99.0F);
  return codec::decode(codec, network, key, {bytes.data(), bytes.size()}, {change.data(), change.size()});
}

/// One dense layer without a trainable bias: `count` numbers that travel, in one tensor.
inline nn::Network flat_network(std::uint16_t count) {
  return build({{1, 1, count}, {dense(1, Train::kWeights)}, nn::Loss::kMeanSquaredError});
}

constexpr std::uint32_t kAnnoyances = 12;

/// A change meant to annoy: one kind for each number.
inline Numbers annoying_change(std::size_t count, std::uint32_t kind, NetLottery& lottery) {
  constexpr float kSmallestNormal = std::numeric_limits<float>::min();
  constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
  Numbers change(count, 0.0F);
  const auto normal = [&lottery] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += lottery.real(0.0, 1.0);
    return static_cast<float>(sum);
  };
  for (float& value : change) {
    switch (kind) {
      case 0: break;  // all zero
      case 1: break;  // one spike, below
      case 2: value = static_cast<float>(lottery.real(-1.0, 1.0)) * kSmallestNormal; break;
      case 3: value = static_cast<float>(lottery.real(-1.0, 1.0)) * 1e37F; break;
      case 4: value = lottery.below(2) == 0 ? -1.0F : 1.0F; break;
      case 5: value = static_cast<float>(std::exp2(lottery.real(-149.0, 120.0))); break;
      case 6: value = lottery.below(3) == 0 ? kDenormal : -kDenormal; break;
      case 7: value = -0.0F; break;
      case 8: value = normal() * 0.01F; break;
      case 9: value = lottery.below(20) == 0 ? normal() : 0.0F; break;
      case 10: value = std::ldexp(normal(), -static_cast<int>(lottery.below(30))); break;
      default: value = static_cast<float>(lottery.real(-0.1, 0.1)); break;
    }
  }
  if (kind == 1)
    change[lottery.below(static_cast<std::uint32_t>(count))] = static_cast<float>(lottery.real(-100.0, 100.0));
  return change;
}

/// The trainable numbers of a change.
inline Numbers travelling(const nn::Network& network, const Numbers& change) {
  Numbers x;
  for (const nn::Tensor& tensor : network.tensors()) {
    if (!tensor.trainable) continue;
    x.insert(x.end(), change.begin() + tensor.offset, change.begin() + tensor.offset + tensor.count);
  }
  return x;
}

inline double squared(double x) { return x * x; }
inline double as_double(float x) { return static_cast<double>(x); }

}  // namespace skink::test
