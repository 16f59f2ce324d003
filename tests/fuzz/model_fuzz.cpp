/// @file
/// Model files: as they are, and with length and digest mended so that the layer list is reached. What is accepted can
/// be read, planned and written again to the same bytes.

#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/planner.hpp"

namespace skink::test {
namespace {

void inspect(const std::vector<std::uint8_t>& file) {
  const Bytes bytes(file.data(), file.size());
  const model::ByteSource source = model::source_of(bytes);
  model::ModelInfo info;
  if (model::inspect(source, info) != Status::kOk) return;
  const nn::Network& network = info.model.network;
  promise(model::model_bytes(network) == file.size(), "the network explains the length");
  promise(network.trainable_count() > 0 && network.output_size() > 0, "there is something to learn");
  const nn::MemoryPlan plan = nn::plan_memory(network, {});
  promise(plan.total >= 4 * network.parameter_count(), "the plan holds the parameters");
  std::vector<float> parameters(network.parameter_count());
  const Span<float> span(parameters.data(), parameters.size());
  promise(model::read_parameters(source, info, 0, span) == Status::kOk, "parameters can be read");
  std::vector<std::uint8_t> again(file.size());
  wire::Digest digest;
  promise(model::encode(info.model, span, {again.data(), again.size()}, digest) == Status::kOk, "it can be written");
  model::ModelInfo second;
  const Bytes again_bytes(again.data(), again.size());
  promise(model::inspect(model::source_of(again_bytes), second) == Status::kOk, "and read again");
}

}  // namespace

void fuzz_model(Bytes input) {
  std::vector<std::uint8_t> file(input.begin(), input.end());
  inspect(file);
  if (file.size() < 36 + wire::kDigestBytes) return;
  const std::size_t content = file.size() - wire::kDigestBytes;
  store_u32(file.data() + 12, static_cast<std::uint32_t>(file.size()));
  const wire::Digest digest = wire::sha256(Bytes(file.data(), content));
  std::memcpy(file.data() + content, digest.bytes, wire::kDigestBytes);
  inspect(file);
}

}  // namespace skink::test
