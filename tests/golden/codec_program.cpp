/// @file
/// The codecs of common/codec, a line of standard input and one of standard output for each case (codec_test.py):
///
///   name NAME
///     ok or refused
///   change CODEC SEED ROUND DEVICE INPUT LAYERS W PHI RESIDUAL ENCODED...
///     BYTES CHANGE LEFT (not-finite - - if the change is), then for each ENCODED what is decoded from it, or refused
///
/// Bytes and the bits of numbers are hexadecimal, nothing is -. The network has INPUT inputs and dense layers, each
/// UNITS:MASK (bit 0: weights train, bit 1: bias). W and PHI are all parameters, RESIDUAL, CHANGE and LEFT those that
/// train.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "skink/common/codec/decoder.hpp"
#include "skink/common/codec/encoder.hpp"

using namespace skink;

namespace {

using Numbers = std::vector<float>;
using Buffer = std::vector<std::uint8_t>;

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "codec_program: %s\n", reason.c_str());
  std::exit(2);
}

Buffer bytes_of(const std::string& hex) {
  Buffer bytes;
  for (std::size_t i = 0; hex != "-" && i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

Numbers numbers_of(const std::string& hex) {
  Numbers numbers;
  for (std::size_t i = 0; hex != "-" && i + 7 < hex.size(); i += 8) {
    const auto bits = static_cast<std::uint32_t>(std::stoul(hex.substr(i, 8), nullptr, 16));
    numbers.emplace_back();
    std::memcpy(&numbers.back(), &bits, sizeof bits);
  }
  return numbers;
}

void print(const Buffer& bytes) {
  for (const std::uint8_t byte : bytes) std::printf("%02x", byte);
  std::printf(bytes.empty() ? "- " : " ");
}

void print(const Numbers& numbers) {
  for (const float number : numbers) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    std::printf("%08x", bits);
  }
  std::printf(numbers.empty() ? "- " : " ");
}

nn::Network network_of(std::uint16_t input, const std::string& text) {
  std::vector<nn::LayerSpec> layers;
  std::istringstream stream(text);
  for (std::string layer; std::getline(stream, layer, ',');) {
    unsigned units = 0;
    unsigned mask = 0;
    if (std::sscanf(layer.c_str(), "%u:%u", &units, &mask) != 2) fail("no layer: " + layer);
    layers.emplace_back();
    layers.back().units = static_cast<std::uint16_t>(units);
    layers.back().train_weights = (mask & 1U) != 0;
    layers.back().train_bias = (mask & 2U) != 0;
  }
  nn::Network network;
  nn::BuildError error;
  const Status status =
      nn::Network::build({1, 1, input}, {layers.data(), layers.size()}, nn::Loss::kMeanSquaredError, network, error);
  if (status != Status::kOk) fail("layer " + std::to_string(error.layer) + ": " + error.reason);
  return network;
}

Status read_numbers(void* context, std::size_t first, Span<float> out) {
  const auto& numbers = *static_cast<const Numbers*>(context);
  if (first + out.size() > numbers.size()) fail("read behind the end");
  std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  return Status::kOk;
}

struct Case {
  codec::Codec codec;
  codec::Key key;
  nn::Network network;
  Numbers w;
  Numbers phi;
  Numbers residual;

  /// True when the change is finite; prints in any case.
  void encode() {
    codec::Change change;
    change.network = &network;
    change.phi = {&phi, &read_numbers};
    change.parameters = {w.data(), w.size()};
    if (!residual.empty()) change.residual = residual.data();
    std::vector<std::uint32_t> state(codec::state_bytes(codec, network) / 4);
    codec::Encoder encoder;
    const Status status =
        encoder.begin(codec, change, key, {reinterpret_cast<std::uint8_t*>(state.data()), 4 * state.size()});
    if (status == Status::kNotFinite) {
      std::printf("not-finite - - ");
      return;
    }
    if (status != Status::kOk) fail(status_text(status));
    Buffer bytes(encoder.size());
    const std::size_t cut = bytes.size() / 3;
    if (encoder.read(cut, {bytes.data() + cut, bytes.size() - cut}) != Status::kOk ||
        encoder.read(0, {bytes.data(), cut}) != Status::kOk) {
      fail("not read");
    }
    if (bytes.size() > codec::encoded_bytes(codec, network)) fail("longer than the longest");
    print(bytes);
    decode(bytes);
    Numbers left(network.trainable_count());
    if (encoder.leave({left.data(), left.size()}) != Status::kOk) fail("nothing left");
    print(left);
  }

  void decode(const Buffer& bytes) const {
    Numbers change(network.parameter_count(), -99.0F);
    Numbers sum(change.size(), 0.0F);
    const Bytes encoded(bytes.data(), bytes.size());
    const Status status = codec::decode(codec, network, key, encoded, {change.data(), change.size()});
    if (codec::apply(codec, network, key, encoded, {sum.data(), sum.size()}) != status) fail("applied otherwise");
    if (status != Status::kOk) {
      std::printf("refused ");
      return;
    }
    const auto same = [](float a, float b) { return a == b || std::isnan(b); };
    if (!std::equal(sum.begin(), sum.end(), change.begin(), same)) fail("applied otherwise");
    Numbers trainable;
    for (const nn::Tensor& tensor : network.tensors()) {
      const auto begin = change.begin() + tensor.offset;
      const auto end = begin + tensor.count;
      if (tensor.trainable) trainable.insert(trainable.end(), begin, end);
      if (!tensor.trainable && std::any_of(begin, end, [](float x) { return x != 0.0F; })) fail("a frozen one changed");
    }
    print(trainable);
  }
};

void answer(std::istream& words) {
  std::string kind;
  std::string name;
  words >> kind >> name;
  if (kind == "name") {
    const Buffer text = bytes_of(name);
    codec::Codec codec;
    std::printf(codec::parse(std::string(text.begin(), text.end()).c_str(), codec) ? "ok" : "refused");
    return;
  }
  Case c;
  std::uint16_t input = 0;
  std::string layers;
  std::string w;
  std::string phi;
  std::string residual;
  words >> c.key.seed >> c.key.round >> c.key.device >> input >> layers >> w >> phi >> residual;
  if (kind != "change" || !words || !codec::parse(name.c_str(), c.codec)) fail("no case: " + kind + " " + name);
  c.network = network_of(input, layers);
  c.w = numbers_of(w);
  c.phi = numbers_of(phi);
  c.residual = numbers_of(residual);
  if (c.w.size() != c.network.parameter_count() || c.phi.size() != c.w.size()) fail("another number of parameters");
  c.encode();
  for (std::string encoded; words >> encoded;) c.decode(bytes_of(encoded));
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
