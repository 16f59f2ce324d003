/// @file
/// Model files: as they are, and with length and digest mended so that the layer list is reached. What is accepted can
/// be read, planned and written again to the same bytes, and small networks learn from a sample in the memory that was
/// planned for them.

#include <algorithm>
#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/planner.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::test {
namespace {

/// Multiplications of a forward pass, at most.
std::uint64_t work_of(const nn::Network& network) {
  std::uint64_t work = network.activation_count();
  for (const nn::LayerPlan& plan : network.layers()) {
    const std::uint64_t rows = std::min<std::uint64_t>(plan.spec.kernel_height, plan.in.height);
    const std::uint64_t taps = rows * std::min<std::uint64_t>(plan.spec.kernel_width, plan.in.width);
    const bool sums_channels = plan.spec.kind == nn::LayerKind::kConv2d || plan.spec.kind == nn::LayerKind::kDense;
    work += plan.out.count() * (taps + 1) * (sums_channels ? plan.in.channels : 1U);
  }
  return work;
}

/// One step with as much memory as the plan says: the address sanitizer sees what goes beyond it.
void learn(const nn::Network& network, const nn::MemoryPlan& plan, std::vector<float> parameters) {
  if (plan.total > (1U << 16) || work_of(network) > 1000000) return;
  promise(plan.parameters == sizeof(float) * parameters.size(), "the parameters have their place");
  std::vector<float> sample((plan.inputs + plan.activations) / sizeof(float), 0.5F);
  std::vector<float> scratch(plan.scratch / sizeof(float));
  const nn::Targets targets{nullptr, [](const void*, std::size_t, std::size_t) noexcept { return 0.0F; }};
  nn::online_step(network, {parameters.data(), parameters.size()}, 0.01F, {sample.data(), sample.size()}, targets,
                  {scratch.data(), scratch.size()});
}

void inspect(const std::vector<std::uint8_t>& file) {
  const Bytes bytes(file.data(), file.size());
  const model::ByteSource source = model::source_of(bytes);
  model::ModelInfo info;
  if (model::inspect(source, info) != Status::kOk) return;
  const nn::Network& network = info.model.network;
  promise(model::model_bytes(info.model) == file.size(), "the model explains the length");
  promise(info.model.adaptation.passes == 0 || model::is_valid(info.model.adaptation),
          "what it says of adapting is in range");
  promise(network.trainable_count() > 0 && network.output_size() > 0, "there is something to learn");
  const nn::MemoryPlan plan = nn::plan_memory(network, {});
  promise(plan.total >= 4 * network.parameter_count(), "the plan holds the parameters");
  std::vector<float> parameters(network.parameter_count());
  const Span<float> span(parameters.data(), parameters.size());
  promise(model::read_parameters(source, info, 0, span) == Status::kOk, "parameters can be read");
  learn(network, plan, parameters);
  std::vector<float> scales(2 * info.model.input.count);
  promise(model::read_input_scales(source, info, {scales.data(), scales.size()}) == Status::kOk, "scales can be read");
  info.model.input.scales = scales.data();
  info.model.input.offsets = scales.data() + info.model.input.count;
  std::vector<std::uint8_t> again(file.size());
  crypto::Digest digest;
  promise(model::encode(info.model, span, {again.data(), again.size()}, digest) == Status::kOk, "it can be written");
  model::ModelInfo second;
  const Bytes again_bytes(again.data(), again.size());
  promise(model::inspect(model::source_of(again_bytes), second) == Status::kOk, "and read again");
}

}  // namespace

void fuzz_model(Bytes input) {
  std::vector<std::uint8_t> file(input.begin(), input.end());
  inspect(file);
  if (file.size() < 36 + crypto::kDigestBytes) return;
  const std::size_t content = file.size() - crypto::kDigestBytes;
  store_u32(file.data() + 12, static_cast<std::uint32_t>(file.size()));
  const crypto::Digest digest = crypto::sha256(Bytes(file.data(), content));
  std::memcpy(file.data() + content, digest.bytes, crypto::kDigestBytes);
  inspect(file);
}

}  // namespace skink::test
