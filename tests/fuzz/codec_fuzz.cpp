/// @file
/// Decoding is total, and what decodes to finite numbers encodes; names are understood or refused.

#include <string>
#include <vector>

#include "harness.hpp"
#include "skink/common/codec/decoder.hpp"
#include "skink/common/codec/encoder.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::test {
namespace {

/// Two dense layers with so many inputs; `frozen` chooses the tensors that do not travel.
nn::Network network_of(unsigned inputs, unsigned frozen) {
  nn::LayerSpec layers[2];
  layers[0].kind = layers[1].kind = nn::LayerKind::kDense;
  layers[0].units = 3;
  layers[1].units = 1;
  layers[0].train_weights = (frozen & 1U) == 0;
  layers[0].train_bias = (frozen & 2U) == 0;
  layers[1].train_weights = (frozen & 4U) == 0;
  nn::Network network;
  nn::BuildError error;
  const nn::Shape shape{1, 1, static_cast<std::uint16_t>(inputs)};
  const Status status = nn::Network::build(shape, layers, nn::Loss::kMeanSquaredError, network, error);
  promise(status == Status::kOk, "the network stands");
  return network;
}

Status zeros(void* /*context*/, std::size_t /*first*/, Span<float> out) {
  for (float& value : out) value = 0.0F;
  return Status::kOk;
}

const char* const kNames[] = {"float32",
                              "int8",
                              "int8:block+range",
                              "int4",
                              "int4:nearest+range+ef",
                              "ternary",
                              "ternary:block+range",
                              "sign",
                              "sign:block+ef",
                              "eden:1",
                              "eden:2",
                              "eden:3+ef",
                              "eden:4",
                              "topk:0.1+ternary",
                              "topk:0.3+ternary+range+ef",
                              "topk:0.25+int8",
                              "topk:0.5+int4+range",
                              "topk:1+float32"};

/// The input: a name up to its first zero byte, understood or not.
void fuzz_name(Bytes input) {
  const std::string name(input.begin(), input.end());
  codec::Codec codec;
  codec::NameError error;
  if (codec::parse(name.c_str(), codec, error)) {
    promise(std::string(name.c_str()).size() <= codec::kMaxNameBytes, "a name is short");
    promise(codec::encoded_bytes(codec, network_of(5, 0)) > 0, "a codec writes something");
  } else {
    promise(error.position <= name.size() && *error.reason != '\0', "a refusal says where and why");
  }
}

}  // namespace

void fuzz_codec(Bytes input) {
  if (input.size() < 3) return;
  constexpr unsigned kNameCount = sizeof kNames / sizeof *kNames;
  if (input[0] >= kNameCount) {
    fuzz_name(input.subspan(1));
    return;
  }
  codec::Codec codec;
  promise(codec::parse(kNames[input[0]], codec), "the name is known");
  const nn::Network network = network_of(1U + input[1], input[2] & 7U);
  const codec::Key key{input[2], input[1], 3};
  std::vector<std::uint8_t> encoded(input.begin() + 3, input.end());
  if ((input[2] & 16U) != 0) encoded.resize(codec::encoded_bytes(codec, network));  // mostly the right length
  std::vector<float> numbers(network.parameter_count());
  const Span<float> change(numbers.data(), numbers.size());
  if (codec::decode(codec, network, key, {encoded.data(), encoded.size()}, change) != Status::kOk) return;

  std::vector<std::uint32_t> state(codec::state_bytes(codec, network) / 4);
  codec::Change what;
  what.network = &network;
  what.phi.read = &zeros;
  what.parameters = change;
  codec::Encoder encoder;
  const Status status =
      encoder.begin(codec, what, key, {reinterpret_cast<std::uint8_t*>(state.data()), 4 * state.size()});
  promise((status == Status::kOk) == nn::all_finite(change), "finite changes encode, others do not");
  if (status != Status::kOk) return;
  promise(encoder.size() <= codec::encoded_bytes(codec, network), "no encoding is longer than was planned");
  std::vector<std::uint8_t> again(encoder.size());
  promise(encoder.read(0, {again.data(), again.size()}) == Status::kOk, "the encoding can be read");
  std::vector<float> decoded(numbers.size());  // the encoder borrows the change
  promise(
      codec::decode(codec, network, key, {again.data(), again.size()}, {decoded.data(), decoded.size()}) == Status::kOk,
      "what was encoded decodes");
  std::vector<float> residual(network.trainable_count());
  promise(encoder.leave({residual.data(), residual.size()}) == Status::kOk, "what is left can be computed");
}

}  // namespace skink::test
