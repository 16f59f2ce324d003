/// @file
/// Decoding is total, and what decodes to finite numbers encodes.

#include <vector>

#include "harness.hpp"
#include "skink/common/codec/codec.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::test {
namespace {

/// dense 2 -> 3 -> 1; `frozen` chooses the tensors that do not travel.
nn::Network network_of(unsigned frozen) {
  nn::LayerSpec layers[2];
  layers[0].kind = layers[1].kind = nn::LayerKind::kDense;
  layers[0].units = 3;
  layers[1].units = 1;
  layers[0].train_weights = (frozen & 1U) == 0;
  layers[0].train_bias = (frozen & 2U) == 0;
  layers[1].train_weights = (frozen & 4U) == 0;
  nn::Network network;
  nn::BuildError error;
  const Status status = nn::Network::build({1, 1, 2}, layers, nn::Loss::kMeanSquaredError, network, error);
  promise(status == Status::kOk, "the network stands");
  return network;
}

Status zeros(void* /*context*/, std::size_t /*first*/, Span<float> out) {
  for (float& value : out) value = 0.0F;
  return Status::kOk;
}

}  // namespace

void fuzz_codec(Bytes input) {
  if (input.empty()) return;
  const nn::Network network = network_of(input[0] & 7U);
  const codec::Codec codec = (input[0] & 8U) == 0 ? codec::Codec::kFloat32 : codec::Codec::kInt8;
  std::vector<std::uint8_t> encoded(input.begin() + 1, input.end());
  if ((input[0] & 16U) != 0) encoded.resize(codec::encoded_bytes(codec, network));  // mostly the right length
  std::vector<float> change(network.parameter_count());
  const Span<float> span(change.data(), change.size());
  if (codec::decode(codec, network, {encoded.data(), encoded.size()}, span) != Status::kOk) return;
  codec::Encoder encoder;
  const Status status = encoder.begin(codec, network, {nullptr, &zeros}, span, {});
  promise((status == Status::kOk) == nn::all_finite(span), "finite changes encode, others do not");
  if (status != Status::kOk) return;
  std::vector<std::uint8_t> again(encoder.size());
  promise(encoder.read(0, {again.data(), again.size()}) == Status::kOk, "the encoding can be read");
  promise(again.size() == encoded.size(), "its length is fixed");
}

}  // namespace skink::test
