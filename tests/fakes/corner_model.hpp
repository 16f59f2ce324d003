#pragma once
/// @file
/// A classifier of the four corners of a square, whose user calls two of them the other way round than the fleet.

#include <cstdint>
#include <random>
#include <vector>

#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/training.hpp"
#include "unit/common/nn/nets.hpp"

namespace skink::test {

inline constexpr std::uint32_t kCorners = 4;

/// A sample of the class that lies in one corner of a square.
inline std::vector<float> sample_of(std::uint32_t kind, std::mt19937& random) {
  std::uniform_int_distribution<int> noise(-300, 300);
  const auto at = [&](bool positive) { return static_cast<float>((positive ? 1000 : -1000) + noise(random)); };
  const float x = at((kind & 1) != 0);
  return {x, at((kind & 2) != 0)};
}

/// What this device's user calls a class: two of them the other way round than the fleet.
inline std::uint32_t own_label(std::uint32_t kind) { return kind == 1 ? 2 : kind == 2 ? 1 : kind; }

/// A classifier that knows the fleet's labels.
inline model::Model fleet_model(std::vector<float>& parameters) {
  NetSpec spec;
  spec.input = {1, 1, 2};
  spec.layers = {flatten(), dense(12), plain(nn::LayerKind::kRelu), dense(kCorners)};
  spec.loss = nn::Loss::kSoftmaxCrossEntropy;
  model::Model model;
  model.network = build(spec);
  model.input.scale = 0.001F;
  NetLottery lottery(3);
  parameters.resize(model.network.parameter_count());
  for (float& value : parameters) value = static_cast<float>(lottery.real(-0.6, 0.6));
  std::mt19937 random(5);
  std::vector<float> sample(model.network.sample_count());
  std::vector<float> scratch(model.network.scratch_count());
  for (std::uint32_t step = 0; step < 800; ++step) {
    const std::vector<float> stored = sample_of(step % kCorners, random);
    for (std::size_t i = 0; i < stored.size(); ++i) sample[i] = stored[i] * model.input.scale;
    float label = static_cast<float>(step % kCorners);
    const nn::Targets targets{&label, [](const void* context, std::size_t, std::size_t) noexcept {
                                return *static_cast<const float*>(context);
                              }};
    (void)nn::online_step(model.network, {parameters.data(), parameters.size()}, 0.05F, {sample.data(), sample.size()},
                          targets, {scratch.data(), scratch.size()});
  }
  return model;
}

/// Its file, and the model's hash.
inline std::vector<std::uint8_t> corner_model_file(crypto::Digest& digest) {
  std::vector<float> parameters;
  const model::Model model = fleet_model(parameters);
  std::vector<std::uint8_t> file(model::model_bytes(model.network, 1));
  if (model::encode(model, {parameters.data(), parameters.size()}, {file.data(), file.size()}, digest) != Status::kOk) {
    file.clear();
  }
  return file;
}

}  // namespace skink::test
