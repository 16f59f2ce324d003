#pragma once
/// @file
/// A task runner with all that it works on, and what docs/arithmetic.md, section 7, says it must come to, done the long
/// way.

#include <catch2/catch.hpp>

#include "fakes/fixed_samples.hpp"
#include "fakes/model.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/edge/task_runner.hpp"
#include "unit/common/nn/naive.hpp"

namespace skink::test {

inline constexpr std::uint32_t kOrder = 6;  // purposes of section 4
inline constexpr std::uint32_t kEvaluationOrder = 11;

inline edge::TaskSettings adaptation(std::uint32_t batch_size) {
  edge::TaskSettings settings;
  settings.seed = 0x1234567890abcdefULL & (~std::uint64_t{0} >> 1);
  settings.round = 4;
  settings.device_index = 9;
  settings.inner_learning_rate = 0.03F;
  settings.passes = 3;
  settings.batch_size = batch_size;
  return settings;
}

/// A runner with a model, samples and an arena of exactly the planned size.
struct TaskRig {
  explicit TaskRig(const NetSpec& net) : spec(net), fake(net), samples(fake.model.network) {
    slot.bytes = fake.file;
    const Bytes bytes{fake.file.data(), fake.file.size()};
    REQUIRE(model::inspect(model::source_of(bytes), info) == Status::kOk);
  }

  Status begin(const edge::TaskSettings& settings, std::size_t arena_bytes = std::size_t{1} << 20) {
    arena.assign(arena_bytes / sizeof(float), -7.0F);
    return runner.begin(info, slot.source(), samples.source(), settings,
                        {reinterpret_cast<std::uint8_t*>(arena.data()), arena_bytes});
  }

  edge::Progress run() {
    edge::Progress progress = edge::Progress::kMore;
    for (int step = 0; progress == edge::Progress::kMore; ++step) {
      REQUIRE(step < 100000);
      progress = runner.step();
    }
    return progress;
  }

  Numbers input(edge::SampleSet set, std::uint32_t index) const {
    Numbers x(info.model.network.input_size());
    for (std::uint32_t i = 0; i < x.size(); ++i) {
      x[i] = samples.stored(set, index, i) * info.model.input.scale + info.model.input.offset;
    }
    return x;
  }

  Numbers target(edge::SampleSet set, std::uint32_t index) const {
    Numbers y;
    const bool label = nn::has_labels(spec.loss);
    const std::size_t count = label ? 1 : info.model.network.output_size();
    for (std::uint32_t o = 0; o < count; ++o) y.push_back(samples.wanted(set, index, o));
    return y;
  }

  /// Section 7, "Adapt": orders, batches, updates. The request of the samples must be current.
  Numbers adapted(const edge::TaskSettings& settings, std::uint32_t purpose, std::uint32_t number) const {
    const NaiveNetwork naive(spec.input, spec.layers, spec.loss);
    Numbers w = fake.parameters;
    const std::uint32_t n = samples.counts.support;
    for (std::uint32_t pass = 0; pass < settings.passes; ++pass) {
      const auto block = arithmetic::philox(settings.seed, pass, purpose, settings.round, number);
      std::vector<Numbers> inputs;
      std::vector<Numbers> targets;
      for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t sample = arithmetic::permute(i, n, block);
        inputs.push_back(input(edge::SampleSet::kSupport, sample));
        targets.push_back(target(edge::SampleSet::kSupport, sample));
        if (settings.batch_size == 1) {
          (void)naive.online(w, settings.inner_learning_rate, inputs.back(), targets.back());
          pull(settings, w);
        } else if (inputs.size() == settings.batch_size || i + 1 == n) {
          (void)naive.batch(w, settings.inner_learning_rate, inputs, targets);
          pull(settings, w);
          inputs.clear();
          targets.clear();
        }
      }
    }
    return w;
  }

  /// Section 7, "Query gradient".
  Numbers stepped_from_phi(const edge::TaskSettings& settings, const Numbers& w) const {
    const NaiveNetwork naive(spec.input, spec.layers, spec.loss);
    std::vector<Numbers> inputs;
    std::vector<Numbers> targets;
    for (std::uint32_t i = 0; i < samples.counts.query; ++i) {
      inputs.push_back(input(edge::SampleSet::kQuery, i));
      targets.push_back(target(edge::SampleSet::kQuery, i));
    }
    float largest = 0.0F;
    Numbers phi = fake.parameters;
    naive.apply(phi, settings.inner_learning_rate, inputs.size(), naive.gradients(w, inputs, targets, largest));
    return phi;
  }

  /// Section 7: after a step, for all parameters; frozen ones are phi.
  void pull(const edge::TaskSettings& settings, Numbers& w) const {
    const float share = settings.inner_learning_rate * settings.proximal;
    for (std::size_t e = 0; e < w.size(); ++e) w[e] = w[e] - share * (w[e] - fake.parameters[e]);
  }

  NetSpec spec;
  FakeModel fake;
  FakeSlot slot;
  FakeSamples samples;
  model::ModelInfo info;
  edge::TaskRunner runner;
  std::vector<float> arena;
};

inline Numbers without_signs(Numbers numbers) {
  for (float& value : numbers) value = arithmetic::canonical(value);
  return numbers;
}

/// All of w; where a part of it was read in place, that part is phi.
inline Numbers result(const TaskRig& rig) {
  const auto parameters = rig.runner.parameters();
  if (parameters.size() != rig.fake.parameters.size()) {
    Numbers whole = rig.fake.parameters;
    const float* next = parameters.data();
    for (const nn::Tensor& tensor : rig.info.model.network.tensors()) {
      if (!tensor.trainable) continue;
      std::copy_n(next, tensor.count, whole.begin() + tensor.offset);
      next += tensor.count;
    }
    REQUIRE(next == parameters.end());
    return without_signs(whole);
  }
  return without_signs({parameters.begin(), parameters.end()});
}

}  // namespace skink::test
